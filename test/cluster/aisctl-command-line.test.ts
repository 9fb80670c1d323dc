/** The command line of `aisctl`: what is refused before anybody is asked, help and version. */
import { describe, expect, jest, test } from '@jest/globals';
import { aisctl, NOWHERE } from './aisctl.fixture.ts';
import { TEST_TIMEOUT_MS } from './support.fixture.ts';

jest.setTimeout(TEST_TIMEOUT_MS);

describe('the command line of aisctl', () => {
  const usage = async (...args: string[]) => {
    const { status, stdout, stderr } = await aisctl(args, NOWHERE);
    expect(String(stdout)).toBe('');
    expect(stderr).toMatch(/^aisctl: .*\nTry: aisctl --help\n$/);
    expect(status).toBe(64);
    return stderr;
  };

  test('what is mistyped is refused with the word that was meant', async () => {
    expect(await usage('statsu')).toContain('Did you mean status?');
    expect(await usage('evt', 'tial', 'c')).toContain('Did you mean tail?');
    expect(await usage('status', '--fromat', 'json')).toContain('Did you mean --format?');
    expect(await usage('lock', 'run', 'x', '--tiemout', '5', '--', 'true')).toContain('--timeout?');
  });

  test('what is missing, twice there, or out of range is refused', async () => {
    expect(await usage()).toContain('which command?');
    expect(await usage('lock')).toContain('which command? run');
    expect(await usage('lock', 'run', 'x')).toContain("comes after '--'");
    expect(await usage('lock', 'run', 'x', 'true')).toContain("comes after '--'");
    expect(await usage('lock', 'run')).toMatch(/name|argument/i);
    expect(await usage('status', '--format', 'xml')).toContain('text');
    expect(await usage('status', '--socket', 'a', '--socket', 'b')).toContain('once');
    expect(await usage('status', '--socket')).toContain('socket');
    expect(await usage('lock', 'run', 'x', '--timeout', '1e3', '--', 'true')).toContain('1e3');
    expect(await usage('lock', 'run', 'x', '--timeout', '0', '--', 'true')).toContain('from 1 to');
    expect(await usage('status', '--socket=')).toContain('path');
    expect(await usage('lock', 'run', 'x', '--mode', 'nl', '--', 'true')).toContain('mode');
    expect(await usage('evt', 'tail', 'c', '--filter', 'order')).toContain('exact:order');
    expect(await usage('evt', 'publish', 'c', '--priority', '4')).toContain('priority');
    expect(await usage('ckpt', 'rm', 'store')).toContain('--unlink');
    expect(await usage('ckpt', 'put', 'store', '--retention', '5')).toContain('--create');
  });

  test('help and version go to standard output, without colour', async () => {
    const help = await aisctl(['--help'], NOWHERE);
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(String(help.stdout)).toContain('aisctl quorum');
    expect(String(help.stdout)).not.toContain('\u001b');
    expect(await usage('status', '--', 'true')).toContain('only lock run');
    const run = await aisctl(['lock', 'run', '--help'], NOWHERE);
    expect(String(run.stdout)).toContain('--grace');
    expect(String((await aisctl(['--version'], NOWHERE)).stdout)).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
