'use strict';

/*
 * command.js: a command that is measured, with more in its environment.
 */

const { spawn } = require('node:child_process');


/* resolves to its exit code; null: a signal */
function run([command, ...args], env) {
    return new Promise((resolve, reject) => {
        const child = spawn(command, args, {
            stdio: ['ignore', 'inherit', 'inherit'],
            env: { ...process.env, ...env }
        });

        child.on('error', reject);
        child.on('exit', resolve);
    });
}


module.exports = { run };
