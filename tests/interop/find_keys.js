/*
 * Finds keys with smartdc-auth from npm, the library with which Triton's clients find theirs.
 *
 * Usage: HOME=... NODE_PATH=.../node_modules node find_keys.js
 * Reads one JSON object: {fingerprints, passphrase, plugins, data}. Answers with one: {list, found}. `list` has
 * {fingerprint, source, canSign, locked} of each key that it lists; `found` has by fingerprint what it would sign
 * with, {plugin, source, locked, algorithm, signature}, or {error}.
 */
'use strict';

const fs = require('fs');
const auth = require('smartdc-auth');
const sshpk = require('sshpk');

const asked = JSON.parse(fs.readFileSync(0, 'utf8'));
const ring = new auth.KeyRing({ plugins: asked.plugins });

function list() {
    return new Promise((resolve) => {
        ring.list((error, pairs) => {
            resolve(Object.values(pairs || {}).flat().map((pair) => ({
                fingerprint: pair.getKeyId(),
                source: pair.source || null,
                canSign: pair.canSign(),
                locked: pair.isLocked()
            })));
        });
    });
}

function find(fingerprint) {
    return new Promise((resolve) => {
        ring.findSigningKeyPair(sshpk.parseFingerprint(fingerprint), (error, pair) => {
            if (error) {
                resolve({ error: error.message });
                return;
            }
            const locked = pair.isLocked();
            try {
                if (locked) {
                    pair.unlock(asked.passphrase);
                }
                const found = { plugin: pair.plugin, source: pair.source || null, locked: locked };
                pair.createSign({ user: 'bob' })(asked.data, (failed, signed) => {
                    resolve(failed ? { error: failed.message } :
                        { ...found, algorithm: signed.algorithm, signature: signed.signature });
                });
            } catch (unusable) {
                resolve({ error: unusable.message });
            }
        });
    });
}

(async () => {
    const found = {};
    for (const fingerprint of asked.fingerprints) {
        found[fingerprint] = await find(fingerprint);
    }
    process.stdout.write(JSON.stringify({ list: await list(), found: found }));
    process.exit(0);
})();
