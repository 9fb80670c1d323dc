/** Runs one command line: parse, load the command's code, run it, explain what went wrong. */
import { diagnose, exitCodeOf, explain, UsageError } from '../problems.ts';
import { type Chosen, parse } from './parse.ts';

/** @returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let chosen: Chosen | undefined;
  try {
    chosen = await parse(args);
    return await chosen.run();
  } catch (error) {
    diagnose(explain(error, chosen?.socket ?? ''));
    if (error instanceof UsageError) diagnose('Try: aisctl --help\n');
    return exitCodeOf(error);
  }
}
