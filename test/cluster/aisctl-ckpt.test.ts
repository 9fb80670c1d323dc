/** `aisctl ckpt`: checkpoints from and to a shell. */
import { CheckpointService } from '@aisexec/ckpt';
import { describe, expect, jest, test } from '@jest/globals';
import { aisctl, document, Running, useExecutives } from './aisctl.fixture.ts';
import { TEST_TIMEOUT_MS } from './support.fixture.ts';

jest.setTimeout(TEST_TIMEOUT_MS);

describe('aisctl on three real executives', () => {
  const { socket, json, text } = useExecutives();

  test('ckpt put, ls, get and rm: bytes in, the same bytes out, from another node', async () => {
    const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => index % 256);
    const put = ['ckpt', 'put', 'store', 'sec tion', '--create', '--max-sections', '3'];
    expect(await aisctl(put, socket(), bytes)).toMatchObject({ status: 0, stderr: '' });
    const got = await aisctl(['ckpt', 'get', 'store', 'sec tion'], socket(1));
    expect(got.stdout.equals(bytes)).toBe(true);
    const part = await aisctl(
      ['ckpt', 'get', 'store', 'sec tion', '--offset', '5', '--length', '3'],
      socket(2),
    );
    expect([...part.stdout]).toEqual([5, 6, 7]);
    await text('ckpt', 'put', 'store', 'other', '--data', 'tea', '--expires', '600000');
    await text('ckpt', 'put', 'store', 'sec tion', '--data', 'short');
    expect(await text('ckpt', 'ls', 'store')).toMatch(
      /^SECTION .*\nsec tion +5 +never .*\nother +3 +2/,
    );
    expect(await json('ckpt', 'ls', 'store')).toMatchObject({
      checkpoint: 'store',
      maxSections: 3,
      retentionMs: null,
      sections: [
        { id: { text: 'sec tion' }, size: 5, expiresAt: null },
        { id: { text: 'other' }, size: 3, expiresAt: expect.stringMatching(/Z$/) },
      ],
    });
    expect(await text('ckpt', 'ls')).toMatch(/store +2 +8 +0/);
    expect((await json('ckpt', 'ls'))['checkpoints']).toMatchObject([
      { name: 'store', sections: 2 },
    ]);
    await text('ckpt', 'rm', 'store', 'other');
    const gone = await aisctl(['ckpt', 'get', 'store', 'other'], socket());
    expect(gone).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("has no section 'other'"),
    });
    await text('ckpt', 'rm', 'store', '--unlink');
    expect((await aisctl(['ckpt', 'ls', 'store'], socket())).status).toBe(1);
  });

  test('ckpt watch: every change in order, text and JSON, of all sections and of one', async () => {
    await text('ckpt', 'put', 'watched', 'first', '--data', 'x', '--create');
    const all = new Running(['ckpt', 'watch', 'watched', '-n', '4', '--content'], socket(1));
    const one = new Running(['ckpt', 'watch', 'watched', 'b', '-n', '1', '-f', 'json'], socket(2));
    await Promise.all([all.says(/watching/), one.says(/watching/)]);
    await text('ckpt', 'put', 'watched', 'a', '--data', 'tea');
    await text('ckpt', 'put', 'watched', 'a', '--data', 'coffee');
    await text('ckpt', 'put', 'watched', 'b', '--data', 'milk');
    await text('ckpt', 'rm', 'watched', 'a');
    const lines = String((await all.outcome).stdout)
      .trim()
      .split('\n');
    expect(lines.map((line) => line.split(' ').slice(2).join(' '))).toEqual([
      'created 3 a tea',
      'written 6 a coffee',
      'created 4 b milk',
      'deleted 0 a',
    ]);
    expect(document(await one.outcome)).toMatchObject({
      type: 'change',
      change: 'created',
      id: { text: 'b' },
      size: 4,
      data: null,
    });
  });

  test('ckpt put and get of the default section of a checkpoint that an application made', async () => {
    await using service = await CheckpointService.connect({ socket: socket(1) });
    await using _open = await service.open('single', {
      create: { maxSections: 1, maxSectionBytes: 100 },
    });
    await text('ckpt', 'put', 'single', '--data', 'coffee');
    expect(await text('ckpt', 'get', 'single')).toBe('coffee');
    const long = await aisctl(['ckpt', 'put', 'single'], socket(), 'x'.repeat(101));
    expect(long).toMatchObject({ status: 65, stderr: expect.stringContaining('100 bytes') });
  });
});
