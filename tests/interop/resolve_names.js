/*
 * Resolves names as the triton command does, with the functions that the command itself is made of.
 *
 * Usage: TRITON_URL=... node resolve_names.js NODE_MODULES, with the other variables of a profile.
 * Reads one JSON list of [kind, text]. Answers with one: of ids, or {error} in the place of an id.
 */
'use strict';

const path = require('path');
const triton = require(path.join(process.argv[2], 'triton'));

const GET = {
    machine: (client, text, done) => client.getInstance({id: text}, done),
    image: (client, text, done) => client.getImage({name: text, excludeInactive: true}, done),
    network: (client, text, done) => client.getNetwork(text, done),
    package: (client, text, done) => client.getPackage(text, done),
    volume: (client, text, done) => client.getVolume(text, done),
    'firewall rule': (client, text, done) => client.getFirewallRule(text, done),
    VLAN: (client, text, done) => client.getFabricVlan(text, done),
    user: (client, text, done) => client.getUser({id: text}, done),
    role: (client, text, done) => client.cloudapi.getRole({id: text}, done),
    policy: (client, text, done) => client.cloudapi.getPolicy({id: text}, done)
};

function resolve(client, kind, text) {
    return new Promise((done) => {
        // On a short id of several machines it throws, as it makes its own error in a wrong way.
        const thrown = (error) => done({error: error.message});
        process.once('uncaughtException', thrown);
        GET[kind](client, text, (error, found) => {
            process.removeListener('uncaughtException', thrown);
            done(error ? {error: error.message} : String(kind === 'VLAN' ? found.vlan_id : found.id));
        });
    });
}

async function all(client, spellings) {
    const answers = [];
    for (const [kind, text] of spellings) {
        answers.push(await resolve(client, kind, text));
    }
    return answers;
}

triton.createClient({profileName: 'env', config: {}}, (error, client) => {
    if (error) {
        throw error;
    }
    let text = '';
    process.stdin.on('data', (chunk) => { text += chunk; });
    process.stdin.on('end', () => {
        all(client, JSON.parse(text)).then((answers) => {
            process.stdout.write(JSON.stringify(answers));
            client.close();
        });
    });
});
