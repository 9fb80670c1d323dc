/** Two rounds of the rolling upgrade (test/chaos/upgrade.mjs): the commit before this one, this one, and back. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FROM = process.env['AISEXEC_UPGRADE_FROM'] ?? 'HEAD~1';
const ROUNDS_MS_MAX = 240_000;
const hasHistory =
  spawnSync('git', ['rev-parse', '--verify', '--quiet', `${FROM}^{commit}`], { cwd: ROOT })
    .status === 0;

(hasHistory ? test : test.skip)(
  `a ring is upgraded from ${FROM} and back under load, and loses nothing (skipped where that commit is not there)`,
  () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['test/chaos/upgrade.mjs', '--rounds', '2', '--from', FROM],
      { cwd: ROOT, encoding: 'utf8', timeout: ROUNDS_MS_MAX },
    );
    expect(`${stdout}${stderr}`).toMatch(
      /^skipped: |6 restarts, \d+ acknowledged .*, 0 problems$/m,
    );
    expect(status).toBe(0);
  },
  ROUNDS_MS_MAX + 10_000,
);
