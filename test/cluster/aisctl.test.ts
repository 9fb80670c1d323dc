import { CheckpointService } from '@aisexec/ckpt';
import { Membership } from '@aisexec/clm';
import { EventService } from '@aisexec/evt';
import { LockService } from '@aisexec/lck';
import { TimerService } from '@aisexec/tmr';
import { describe, expect, jest, test } from '@jest/globals';
import { aisctl, document, Running } from './aisctl.fixture.ts';
import { eventually, membersEverywhere, TEST_TIMEOUT_MS, useCluster } from './support.fixture.ts';

jest.setTimeout(TEST_TIMEOUT_MS);

const NOWHERE = '/nonexistent/aisexec.sock';

/** A time in ISO 8601. */
const TIME = '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z';

describe('aisctl on three real executives', () => {
  const cluster = useCluster({ nodes: 3 });
  const socket = (index = 0) => cluster.nodes[index]!.socket;
  const json = async (...args: string[]) =>
    document(await aisctl([...args, '--format', 'json'], socket()));
  const text = async (...args: string[]) => {
    const outcome = await aisctl(args, socket());
    expect(outcome.stderr).toBe('');
    expect(outcome.status).toBe(0);
    return String(outcome.stdout);
  };

  test('status', async () => {
    expect(await text('status')).toMatch(/ring +operational, .*: 1 2 3\nquorum +quorate: 3 votes/);
    expect(await json('status')).toMatchObject({
      node: { id: 1, name: 'node-1' },
      ring: { state: 'operational', members: [1, 2, 3] },
      quorum: { quorate: true, votes: 3, needed: 2 },
    });
  });

  test('members', async () => {
    expect(await text('members')).toMatch(/^NODE {2}NAME .*\n1 +node-1 +127\.0\.0\.1 .*local\n2 /);
    const { members, quorate } = await json('members');
    expect(quorate).toBe(true);
    expect(members).toMatchObject([
      { nodeId: 1, name: 'node-1', address: '127.0.0.1', local: true, inRing: true },
      { nodeId: 2, local: false, inRing: true },
      { nodeId: 3, local: false, inRing: true },
    ]);
  });

  test('quorum', async () => {
    expect(await text('quorum')).toMatch(
      /^quorate: 3 votes, 2 needed \(votequorum\)\nexpected +3 votes/,
    );
    expect(await json('quorum')).toMatchObject({ quorate: true, ringState: 'operational' });
  });

  test('services and inspect', async () => {
    expect(await text('services')).toMatch(/^ID {2}NAME +STATE +VERSION .*\n1 +clm +running /);
    expect((await json('services'))['services']).toHaveLength(5);
    expect(await text('inspect', 'lck')).toMatch(/^lck [0-9a-f]{16}\n\{/);
    const here = await json('inspect', 'clm');
    expect(here['hash']).toMatch(/^[0-9a-f]{16}$/);
    expect(here['state']).toMatchObject({ members: [{ nodeId: 1 }, { nodeId: 2 }, { nodeId: 3 }] });
    const { status, stderr } = await aisctl(['inspect', 'amf'], socket());
    expect(status).toBe(1);
    expect(stderr).toMatch(/no service 'amf' runs here\n {2}at: {2}.*\n {2}try: one of: clm, lck/);
  });

  test('locks shows who holds, who waits, the token, and what was orphaned', async () => {
    const holder = await LockService.connect({ socket: socket(1) });
    await using waiter = await LockService.connect({ socket: socket(2) });
    const held = await (await holder.open('shown', { create: true })).acquire('EX', {
      orphan: true,
    });
    const waiting = (await waiter.open('shown')).lock('PR');
    const shown = () => json('locks', 'shown');
    const withWaiter = await eventually(
      shown,
      (found) => JSON.stringify(found['resources']).includes('"waiting":[{'),
      'the waiter',
    );
    expect(withWaiter['fairness']).toBe('standard');
    const since = expect.stringMatching(new RegExp(`^${TIME}$`));
    expect(withWaiter['resources']).toMatchObject([
      {
        name: 'shown',
        granted: [{ node: 2, mode: 'EX', since, fencingToken: String(held.fencingToken) }],
        waiting: [{ node: 3, mode: 'PR', since }],
      },
    ]);
    expect(await text('locks')).toMatch(
      new RegExp(
        `shown +held +EX +2 +\\d+ +${TIME} +${held.fencingToken}\nshown +waiting +PR +3 +\\d+ +${TIME}\n`,
      ),
    );
    await holder.close();
    await eventually(
      () => text('locks', 'shown'),
      (lines) =>
        new RegExp(`shown +orphan +EX +2 +\\d+ +${TIME} +${held.fencingToken}\n`).test(lines),
      'the orphan',
    );
    await (await waiter.open('shown')).purgeOrphans();
    expect(await waiting).toMatchObject({ status: 'granted' });
    expect(await text('locks', 'shown')).toMatch(/shown +held +PR +3/);
  });

  test('lock revoke takes a lock from its holder; --token only the one that was looked at', async () => {
    await using holder = await LockService.connect({ socket: socket(1) });
    await using waiter = await LockService.connect({ socket: socket(2) });
    const held = await (await holder.open('taken', { create: true })).acquire('EX');
    const next = (await waiter.open('taken')).acquire('EX');
    const wrong = await aisctl(['lock', 'revoke', 'taken', '--token', '1'], socket());
    expect(wrong).toMatchObject({ status: 1, stderr: expect.stringContaining('nobody holds') });
    expect(held.lost).toBeUndefined();
    const token = String(held.fencingToken);
    expect(await text('lock', 'revoke', 'taken', '--token', token)).toBe(
      "lock 'taken': 1 revoked\n",
    );
    expect((await next).fencingToken).toBeGreaterThan(held.fencingToken);
    await eventually(
      async () => held.lost,
      (reason) => reason !== undefined,
      'the news of the loss',
    );
    expect(held.lost).toBe('revoked');
    expect(await json('lock', 'revoke', 'taken')).toMatchObject({ name: 'taken', revoked: 1 });
    expect((await aisctl(['lock', 'revoke', 'none'], socket())).status).toBe(1);
    expect((await aisctl(['lock', 'revoke', 'x', '--token', 'y'], socket())).status).toBe(64);
  });

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

  test('timers shows what runs for the clients of this node, and no other', async () => {
    await using service = await TimerService.connect({ socket: socket(0) });
    await using _timer = await service.start({ afterMs: 3_600_000, everyMs: 1500 });
    expect(await text('timers')).toMatch(/TIMER +DUE +EVERY +EXPIRED\n.* 1500 ms +0/);
    expect(await json('timers')).toMatchObject({ timers: [{ period: '1500000000' }] });
    const { stdout } = await aisctl(['timers', '--format', 'json'], socket(1));
    expect(JSON.parse(String(stdout))).toMatchObject({ timers: [] });
  });

  test('no executive: what, where and what to do; 69, of quorum 1', async () => {
    for (const command of ['status', 'members', 'locks', 'services']) {
      const { status, stdout, stderr } = await aisctl([command], NOWHERE);
      expect(status).toBe(69);
      expect(String(stdout)).toBe('');
      expect(stderr).toMatch(
        /^aisctl: .*no executive answers on \/nonexistent.*\n {2}try: .*--socket/,
      );
    }
    expect((await aisctl(['quorum'], NOWHERE)).status).toBe(1);
    expect((await aisctl(['evt', 'tail', 'x'], NOWHERE)).status).toBe(69);
    expect((await aisctl(['ckpt', 'ls', 'x'], NOWHERE)).status).toBe(69);
    expect((await aisctl(['status', '--socket', socket()], NOWHERE)).status).toBe(0);
  });

  test('without quorum, and while the ring re-forms, the reading commands answer', async () => {
    const [first, second, third] = cluster.nodes;
    second!.kill();
    third!.kill();
    const at = first!.socket;
    const states = new Set<unknown>();
    const asked = async () => {
      const outcome = await aisctl(['quorum', '-f', 'json'], at);
      states.add(document(outcome)['ringState']);
      expect((await aisctl(['members', '-f', 'json'], at)).status).toBe(0);
      return outcome.status;
    };
    expect(await eventually(asked, (code) => code === 2, 'the loss of quorum')).toBe(2);
    expect(states.size).toBeGreaterThan(0);
    expect(String((await aisctl(['quorum'], at)).stdout)).toMatch(/^not quorate: 1 vote, 2 needed/);
    const status = document(await aisctl(['status', '--format', 'json'], at));
    expect(status).toMatchObject({ quorum: { quorate: false } });
    expect((await aisctl(['locks'], at)).status).toBe(0);
    const busy = await aisctl(['lock', 'run', 'minor', '--try', '--', 'true'], at);
    expect(busy).toMatchObject({ status: 75, stderr: expect.stringContaining('aisctl quorum') });
    await Promise.all([second!.exited(), third!.exited()]);
    await Promise.all([second!.start(), third!.start()]);
    await membersEverywhere(cluster.nodes, 3);
    expect((await aisctl(['quorum'], at)).status).toBe(0);
  });

  test('a suspended executive does not answer: said after a while, not waited for', async () => {
    const third = cluster.nodes[2]!;
    third.pause();
    const { status, stderr } = await aisctl(['quorum'], third.socket);
    third.resume();
    expect(status).toBe(1);
    expect(stderr).toContain('does not answer');
    await membersEverywhere(cluster.nodes, 3);
  });

  test('node lock, ls, unlock and shutdown, by name and by id, from another node', async () => {
    expect(await text('node', 'lock', 'node-3')).toBe('node 3 (node-3): locked\n');
    expect(await text('node', 'ls')).toMatch(/3 +node-3 +locked +no\n/);
    const members = (await json('members'))['members'] as { nodeId: number }[];
    expect(members.map(({ nodeId }) => nodeId)).toEqual([1, 2]);
    const again = await aisctl(['node', 'lock', '3'], socket());
    expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('already') });
    const unlocked = await aisctl(['node', 'unlock', '3', '-f', 'json'], socket(2));
    expect(document(unlocked)).toMatchObject({ nodeId: 3, name: 'node-3', operation: 'unlock' });
    expect(await text('node', 'shutdown', 'node-3')).toContain('shut down');
    await text('node', 'unlock', 'node-3');
    expect((await json('node', 'ls'))['nodes']).toMatchObject([
      ...[1, 2, 3].map((nodeId) => ({ nodeId, member: true, state: 'unlocked' })),
    ]);
    const unknown = await aisctl(['node', 'lock', 'node-9'], socket());
    expect(unknown).toMatchObject({ status: 1, stderr: expect.stringContaining('aisctl node ls') });
  });

  test('a subscriber is asked first: aisctl waits for it, gives up waiting, or says that it objected', async () => {
    await using membership = await Membership.connect({ socket: socket(1) });
    const changes = membership.track({ steps: ['validate'] });
    await changes.next();
    const objection = async () => {
      for (;;) {
        const { value, done } = await changes.next();
        if (done) throw new Error('the stream ended');
        if (value.step === 'validate') return () => value.respond('rejected');
      }
    };
    const lock = ['node', 'lock', 'node-3', '--supervision', '60000'];
    const impatient = await aisctl([...lock, '--timeout', '100'], socket());
    expect(impatient).toMatchObject({ status: 75, stderr: expect.stringContaining('it goes on') });
    await (await objection())();
    const refused = aisctl(lock, socket());
    await (await objection())();
    expect(await refused).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('a subscriber objected'),
    });
    expect(await text('node', 'ls')).toMatch(/3 +node-3 +unlocked +yes\n/);
    await changes.return();
  });

  test('shutdown: the executive leaves in good order', async () => {
    const third = cluster.nodes[2]!;
    const tail = new Running(['evt', 'tail', 'cut', '--create'], third.socket);
    await tail.says(/subscribed/);
    const outcome = await aisctl(['shutdown', '--format', 'json'], third.socket);
    expect(document(outcome)).toMatchObject({ nodeId: 3, leaving: true });
    expect(await tail.outcome).toMatchObject({
      status: 69,
      stderr: expect.stringMatching(/connection.*\n.*\n {2}try: start aisexec/),
    });
    await third.exited();
    await membersEverywhere(cluster.nodes.slice(0, 2), 2);
    expect((await aisctl(['shutdown'], third.socket)).status).toBe(69);
  });
});

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
