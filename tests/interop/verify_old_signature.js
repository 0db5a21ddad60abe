/*
 * Verifies signed requests with http-signature from npm, of versions that want the public key in PEM.
 *
 * Usage: NODE_PATH=.../node_modules node verify_old_signature.js
 * Each line of standard input is a JSON object: {headers, publicKey}; headers by lower-case name, publicKey in PEM.
 * Each is answered with a line {ok, error}; error is null if only the signature is wrong.
 */
'use strict';

const readline = require('readline');

const httpSignature = require('http-signature');

readline.createInterface({ input: process.stdin }).on('line', line => {
    const { headers, publicKey } = JSON.parse(line);
    let answer;
    try {
        const parsed = httpSignature.parseRequest({ method: 'GET', url: '/my', headers, httpVersion: '1.1' });
        answer = { ok: httpSignature.verifySignature(parsed, publicKey), error: null };
    } catch (error) {
        answer = { ok: false, error: error.message };
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
});
