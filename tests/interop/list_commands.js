// Prints the path of every command of the triton command, one in a line: node list_commands.js CLI.js
'use strict';

const { CLI } = require(process.argv[2]);
const cli = new (CLI || require(process.argv[2]))();

function walk(commands, path) {
    for (const [name, handler] of Object.entries(commands._handlerFromName)) {
        if (name === 'help') {
            continue;
        }
        if (handler._handlerFromName) {
            walk(handler, path + ' ' + name);
        } else {
            console.log(path + ' ' + name + (process.argv[3] === 'hidden' && handler.hidden ? ' (hidden)' : ''));
        }
    }
}

walk(cli, 'triton');
