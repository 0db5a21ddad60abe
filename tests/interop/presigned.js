/*
 * Pre-signed URLs in JavaScript: checks ours with Node's own sorting and escaping, and makes one with
 * smartdc-auth from npm.
 *
 * Usage: NODE_PATH=.../node_modules node presigned.js
 * Reads one JSON object, {check: [{method, url, publicKey}], sign: {keyFile, keyId, user, host, path, query, expires}};
 * answers with one, {checked: [true or false], signed: path and query}.
 */
'use strict';

const fs = require('fs');
const httpSignature = require('http-signature');
const smartdcAuth = require('smartdc-auth');

const asked = JSON.parse(fs.readFileSync(0, 'utf8'));

function escaped(text) {
    return encodeURIComponent(text).replace(/[!'()*]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());
}

/* The text that the server's documentation describes: verbs, host, path, and the query sorted by name. */
function check(one) {
    const url = new URL(one.url);
    const query = Object.fromEntries(url.searchParams);
    const verbs = (query.method || one.method).split(',').sort();
    const names = Object.keys(query).filter((name) => name !== 'signature');
    names.sort((a, b) => a.localeCompare(b));
    const text = [
        verbs.join(','), url.host, url.pathname,
        names.map((name) => escaped(name) + '=' + escaped(query[name])).join('&')
    ].join('\n');
    return verbs.includes(one.method) && httpSignature.verifySignature(
        { algorithm: query.algorithm.toUpperCase(), signingString: text, params: { signature: query.signature } },
        one.publicKey);
}

const sign = smartdcAuth.privateKeySigner(
    { key: fs.readFileSync(asked.sign.keyFile, 'utf8'), user: asked.sign.user, keyId: asked.sign.keyId });
smartdcAuth.signUrl({ ...asked.sign, sign: sign }, (error, signed) => {
    process.stdout.write(JSON.stringify({ checked: asked.check.map(check), signed: signed, error: error }));
});
