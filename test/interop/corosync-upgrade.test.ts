/** A round of test/chaos/upgrade.mjs: the Corosync below each executive is replaced, while the executive runs on. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { stackMissing } from './stack.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ROUND_MS_MAX = 240_000;
const why = stackMissing();

(why === undefined ? test : test.skip)(
  `Corosync is upgraded below executives under load, which lose nothing${why === undefined ? '' : ` (skipped: ${why})`}`,
  () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['test/chaos/upgrade.mjs', '--of', 'corosync', '--rounds', '1'],
      { cwd: ROOT, encoding: 'utf8', timeout: ROUND_MS_MAX },
    );
    expect(`${stdout}${stderr}`).toMatch(/^3 restarts, \d+ acknowledged .*, 0 problems$/m);
    expect(status).toBe(0);
  },
  ROUND_MS_MAX + 10_000,
);
