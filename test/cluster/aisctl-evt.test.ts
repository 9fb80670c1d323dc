/** `aisctl evt`: events from and to a shell. */
import { EventService } from '@aisexec/evt';
import { describe, expect, jest, test } from '@jest/globals';
import { aisctl, document, Running, useExecutives } from './aisctl.fixture.ts';
import { eventually, TEST_TIMEOUT_MS } from './support.fixture.ts';

jest.setTimeout(TEST_TIMEOUT_MS);

describe('aisctl on three real executives', () => {
  const { socket, json, text } = useExecutives();

  test('evt publish and tail, text and JSON, patterns and filters, bytes that are no text', async () => {
    const lines = new Running(
      [
        'evt',
        'tail',
        'news',
        '--create',
        '-n',
        '3',
        '--filter',
        'prefix:order.',
        '--filter',
        'any',
      ],
      socket(1),
    );
    const documents = new Running(
      ['evt', 'tail', 'news', '--create', '-n', '1', '-f', 'json', '--filter', 'exact:order.raw'],
      socket(2),
    );
    await Promise.all([lines.says(/subscribed/), documents.says(/subscribed/)]);
    const publish = (...args: string[]) => ['evt', 'publish', 'news', ...args];
    const id = (
      await text(...publish('--data', 'a\nb', '-p', 'order.new', '--priority', '0'))
    ).trim();
    expect(await json(...publish('--data', 'not for us', '--pattern', 'weather'))).toHaveProperty(
      'eventId',
    );
    const raw = Uint8Array.of(0xff, 0x00, 0x41);
    const sent = await aisctl(
      publish('-p', 'order.raw', '-p', 'x', '--publisher', 'me'),
      socket(),
      raw,
    );
    expect(sent).toMatchObject({ status: 0, stderr: '' });
    await text(...publish('--data', 'last', '--pattern', 'order.last'));
    const shown = await lines.outcome;
    expect(shown.status).toBe(0);
    const [first, second, third] = String(shown.stdout).split('\n');
    expect(first).toMatch(new RegExp(`^\\d{4}-.*Z ${id} 0 - \\[order\\.new\\] a\\\\nb$`));
    expect(second).toMatch(/ 3 me \[order\.raw x\] \\xff\\x00A$/);
    expect(third).toMatch(/\[order\.last\] last$/);
    expect(document(await documents.outcome)).toMatchObject({
      type: 'event',
      publisher: 'me',
      priority: 3,
      patterns: [{ text: 'order.raw' }, { text: 'x' }],
      data: { base64: Buffer.from(raw).toString('base64') },
    });
  });

  test('a retained event reaches a tail that comes later', async () => {
    await text(
      'evt',
      'publish',
      'kept',
      '--create',
      '--retention',
      '60000',
      '--data',
      'still here',
    );
    expect(await aisctl(['evt', 'tail', 'kept', '-n', '1'], socket(2))).toMatchObject({
      status: 0,
      stdout: expect.objectContaining({}),
    });
  });

  test('a tail that is not read loses events, and shows where', async () => {
    const slow = new Running(['evt', 'tail', 'flood', '--create', '-n', '100'], socket());
    const read = new Running(['evt', 'tail', 'flood', '--create', '-f', 'json'], socket(1));
    await Promise.all([slow.says(/subscribed/), read.says(/subscribed/)]);
    slow.child.stdout.pause();
    await using events = await EventService.connect({ socket: socket(2) });
    await using channel = await events.open('flood', { publisher: true });
    const data = new Uint8Array(4_096).fill(0x2e);
    await Promise.all(Array.from({ length: 4_000 }, () => channel.publish({ data })));
    slow.child.stdout.resume();
    await slow.says(/\n-- .* events lost here --\n/);
    await channel.publish({ data: 'the end' });
    await read.says(/the end/);
    read.child.kill('SIGINT');
    expect((await slow.outcome).status).toBe(0);
    const documents = read.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const received = documents.filter(({ type }) => type === 'event').length;
    const hasGap = documents.some(({ type }) => type === 'lost');
    expect(received === 4_001).toBe(!hasGap);
  });

  test('a channel that is not there, and data that is too long, are refused with what to do', async () => {
    const missing = await aisctl(['evt', 'publish', 'nothing', '--data', 'x'], socket());
    expect(missing.status).toBe(1);
    expect(missing.stderr).toMatch(/NOT_EXIST.*at: .*try: .*--create/s);
    const long = await aisctl(['evt', 'publish', 'news', '--create'], socket(), 'x'.repeat(70_000));
    expect(long.status).toBe(65);
    expect(long.stderr).toContain('65536 bytes');
  });

  test('tail into a reader that has enough ends without a word', async () => {
    const tail = new Running(['evt', 'tail', 'pipe', '--create'], socket());
    await tail.says(/subscribed/);
    tail.child.stdout.destroy();
    const publishing = async () => {
      await aisctl(['evt', 'publish', 'pipe', '--data', 'x'], socket());
      return tail.child.exitCode;
    };
    expect(await eventually(publishing, (code) => code !== null, 'the end of tail')).toBe(0);
    expect(tail.stderr).toBe('aisctl: subscribed to pipe\n');
  });
});
