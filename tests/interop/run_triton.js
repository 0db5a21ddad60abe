/*
 * Runs the triton command many times in one process, because Node takes longer to load it than to run it.
 *
 * Usage: node run_triton.js NODE_MODULES
 * Reads JSON lists of arguments, one in a line. Answers each with {status, stdout, stderr} in a line.
 */
'use strict';

const path = require('path');
const readline = require('readline');
const cli = require(path.join(process.argv[2], 'triton', 'lib', 'cli'));

const answer = process.stdout.write.bind(process.stdout);

function call(args) {
    return new Promise((done) => {
        const result = {status: 0, stdout: '', stderr: ''};
        process.stdout.write = (text) => { result.stdout += text; return true; };
        process.stderr.write = (text) => { result.stderr += text; return true; };
        process.exit = (status) => { result.status = status; };
        // A command has ended when Node has nothing to wait for: some do not call back.
        process.stdin.unref();
        process.once('beforeExit', () => {
            process.stdin.ref();
            done(result);
        });
        cli.main([process.argv[0], 'triton', ...args]);
    });
}

(async () => {
    for await (const line of readline.createInterface({input: process.stdin})) {
        answer(JSON.stringify(await call(JSON.parse(line))) + '\n');
    }
})();
