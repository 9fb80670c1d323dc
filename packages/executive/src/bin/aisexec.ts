#!/usr/bin/env node
/** The command `aisexec`: the executive in the foreground. What it does is in `daemon.ts`. */
import { hideBin } from 'yargs/helpers';
import { parseCommandLine } from './command-line.ts';
import { check, keygen, runDaemon } from './daemon.ts';

const command = await parseCommandLine(hideBin(process.argv));
if (command.keygen !== undefined) process.exitCode = keygen(command.keygen);
// Imported modules may keep the process alive.
else if (command.check) process.exit(await check(command.config));
else await runDaemon(command.config);
