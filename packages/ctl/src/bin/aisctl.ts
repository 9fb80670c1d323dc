#!/usr/bin/env node
/** The command `aisctl`: one command line, one exit code. */
import { hideBin } from 'yargs/helpers';
import { main } from '../cli/main.ts';

// A reader that has enough, like `head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});
process.exit(await main(hideBin(process.argv)));
