/*
 * Runs the triton command many times in one process, because Node takes longer to load it than to run it.
 *
 * Usage: node run_triton.js NODE_MODULES
 * Reads one JSON in a line: a list of arguments, or {args, environment, directory}. Answers each with
 * {status, stdout, stderr} in a line.
 */
'use strict';

const fs = require('fs');
const path = require('path');
const readline = require('readline');
const lib = path.join(fs.realpathSync(process.argv[2]), 'triton', 'lib');
let cli = require(path.join(lib, 'cli'));

const answer = process.stdout.write.bind(process.stdout);

// The command's own files read the environment when they are loaded; the many files of others do not.
function loadIn({environment, directory}) {
    Object.keys(require.cache).filter((file) => file.startsWith(lib)).forEach((file) => delete require.cache[file]);
    Object.keys(process.env).forEach((name) => delete process.env[name]);
    Object.assign(process.env, environment);
    process.chdir(directory);
    cli = require(path.join(lib, 'cli'));
}

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
        const question = JSON.parse(line);
        if (question.environment) {
            loadIn(question);
        }
        answer(JSON.stringify(await call(question.args || question)) + '\n');
    }
})();
