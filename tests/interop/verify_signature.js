/*
 * Verifies signed requests with http-signature from npm, the library that CloudAPI uses.
 *
 * Usage: NODE_PATH=.../node_modules node verify_signature.js
 * Reads one JSON object per line: {method, url, headers, publicKey}; headers by lower-case name, publicKey
 * in OpenSSH form. Answers with one per line: {ok, error}; error is null if only the signature is wrong.
 */
'use strict';

const readline = require('readline');
const httpSignature = require('http-signature');

function judge(request) {
    try {
        const parsed = httpSignature.parseRequest(
            { method: request.method, url: request.url, headers: request.headers, httpVersion: '1.1' });
        return { ok: httpSignature.verifySignature(parsed, request.publicKey), error: null };
    } catch (error) {
        return { ok: false, error: error.message };
    }
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
    process.stdout.write(JSON.stringify(judge(JSON.parse(line))) + '\n');
});
