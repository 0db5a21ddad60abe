/*
 * Verifies signed requests with http-signature from npm, of versions that want the public key in PEM.
 *
 * Usage: NODE_PATH=.../node_modules node verify_old_signature.js
 * Reads one JSON object from standard input: {headers, publicKey}; headers by lower-case name, publicKey in PEM.
 * Answers with {ok, error}; error is null if only the signature is wrong.
 */
'use strict';

const httpSignature = require('http-signature');

const { headers, publicKey } = JSON.parse(require('fs').readFileSync(0, 'utf-8'));
let answer;
try {
    const parsed = httpSignature.parseRequest({ method: 'GET', url: '/my', headers, httpVersion: '1.1' });
    answer = { ok: httpSignature.verifySignature(parsed, publicKey), error: null };
} catch (error) {
    answer = { ok: false, error: error.message };
}
process.stdout.write(JSON.stringify(answer));
