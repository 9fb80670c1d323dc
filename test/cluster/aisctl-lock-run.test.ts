import { LockService } from '@aisexec/lck';
import { describe, expect, jest, test } from '@jest/globals';
import { aisctl, processesOfGroup, Running } from './aisctl.fixture.ts';
import { eventually, membersEverywhere, TEST_TIMEOUT_MS, useCluster } from './support.fixture.ts';

/** Says `ready PID`, reports every signal that it survives, and waits. */
const STUBBORN =
  'trap "echo got TERM" TERM; trap "echo got HUP" HUP; trap "echo got USR1" USR1; trap "echo got INT" INT; echo ready $$; while :; do sleep 0.05; done';
/** Ends on SIGTERM with a status of its own. */
const POLITE =
  'trap "echo bye; exit 7" TERM; trap "echo got USR1" USR1; echo ready $$; while :; do sleep 0.05; done';

jest.setTimeout(TEST_TIMEOUT_MS);

describe('aisctl lock run on three real executives', () => {
  const cluster = useCluster({ nodes: 3 });
  const socket = (index = 0) => cluster.nodes[index]!.socket;
  const lockRun = (name: string, options: readonly string[], ...command: string[]) =>
    new Running(['lock', 'run', name, ...options, '--', ...command], socket());
  const isFree = async (name: string) => {
    await using locks = await LockService.connect({ socket: socket(1) });
    return (await (await locks.open(name, { create: true })).tryAcquire('EX')) !== undefined;
  };
  const ready = async (running: Running) => Number((await running.says(/ready (\d+)/))[1]);
  const noneLeft = (group: number) =>
    eventually(
      () => processesOfGroup(group),
      (left) => left.length === 0,
      'processes of the command',
    );

  test('the exit status is the command’s; 128 + n for signals, 127 and 126 for what cannot run', async () => {
    const status = async (...command: string[]) => {
      const running = lockRun('status', [], ...command);
      running.child.stdin.end();
      return (await running.outcome).status;
    };
    expect(await status('true')).toBe(0);
    expect(await status('sh', '-c', 'exit 9')).toBe(9);
    expect(await status('sh', '-c', 'kill -KILL $$')).toBe(137);
    expect(await status('/nonexistent/command')).toBe(127);
    expect(await status('/etc/passwd')).toBe(126);
    expect(await isFree('status')).toBe(true);
  });

  test('standard input, arguments and environment reach the command as they are', async () => {
    await using locks = await LockService.connect({ socket: socket(2) });
    const before = await (await locks.open('env', { create: true })).acquire('EX');
    await before.unlock();
    const script =
      'cat; echo "$1|$2|$AISEXEC_LOCK_NAME|$AISEXEC_LOCK_MODE"; echo $AISEXEC_LOCK_TOKEN $AISEXEC_VIEW_ID; echo $AISEXEC_LOCK_RESOURCE $AISEXEC_LOCK_GRACE_MS';
    const running = lockRun('env', [], 'sh', '-c', script, 'x', 'a  b', '1e3');
    running.child.stdin.end('from stdin\n');
    const { stdout, stderr, status } = await running.outcome;
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    const [first, second, third, fourth] = String(stdout).split('\n');
    expect(first).toBe('from stdin');
    expect(second).toBe('a  b|1e3|env|ex');
    expect(fourth).toBe('env 2000');
    const [token, view] = third!.split(' ').map(BigInt);
    expect(token).toBeGreaterThan(before.fencingToken);
    expect(view).toBeGreaterThan(0n);
  });

  test('--shell hands the words to the shell; --socket is passed on', async () => {
    const running = new Running(
      [
        'lock',
        'run',
        'shell',
        '--socket',
        socket(),
        '--shell',
        '--',
        'echo',
        '$((1+1))',
        '|',
        'cat; echo $AISEXEC_SOCKET',
      ],
      undefined,
    );
    running.child.stdin.end();
    expect(String((await running.outcome).stdout)).toBe(`2\n${socket()}\n`);
  });

  test('readers share, a writer waits for them; the lock is held exactly while the command runs', async () => {
    const readers = [
      lockRun('shared', ['--mode', 'pr'], 'sh', '-c', POLITE),
      lockRun('shared', ['--mode', 'pr'], 'sh', '-c', POLITE),
    ];
    const groups = await Promise.all(readers.map(ready));
    const writer = lockRun('shared', [], 'echo', 'mine');
    await eventually(
      async () => String((await aisctl(['locks', 'shared'], socket(1))).stdout),
      (text) => text.includes('waiting'),
      'the writer',
    );
    for (const { child } of readers) child.kill('SIGTERM');
    expect((await readers[0]!.outcome).status).toBe(7);
    expect((await readers[1]!.outcome).status).toBe(7);
    expect(String((await writer.outcome).stdout)).toBe('mine\n');
    await Promise.all(groups.map(noneLeft));
  });

  test('--max: so many at once, the next one waits for a place', async () => {
    const places = ['1', '2'].map(() => lockRun('sem', ['--max', '2'], 'sh', '-c', POLITE));
    await Promise.all(places.map(ready));
    const tried = await lockRun('sem', ['--max', '2', '--try'], 'echo', 'ran').outcome;
    expect(tried).toMatchObject({ status: 75, stderr: expect.stringContaining('others hold it') });
    const timed = await lockRun('sem', ['--max', '2', '--timeout', '150'], 'echo', 'ran').outcome;
    expect(timed).toMatchObject({ status: 75, stderr: expect.stringContaining('within 150 ms') });
    const third = lockRun('sem', ['--max', '2'], 'sh', '-c', 'echo $AISEXEC_LOCK_RESOURCE');
    await eventually(
      async () => String((await aisctl(['locks'], socket(1))).stdout),
      (text) => /sem\/1 +waiting/.test(text) && /sem\/2 +waiting/.test(text),
      'the third',
    );
    places[1]!.child.kill('SIGTERM');
    expect(String((await third.outcome).stdout)).toMatch(/^sem\/[12]\n$/);
    places[0]!.child.kill('SIGTERM');
    await Promise.all(places.map(({ outcome }) => outcome));
    const wrong = await lockRun('sem', ['--max', '2', '--mode', 'pr'], 'true').outcome;
    expect(wrong.status).toBe(64);
  });

  test('lock revoke ends the command', async () => {
    const running = lockRun('revoked', [], 'sh', '-c', POLITE);
    await ready(running);
    expect((await aisctl(['lock', 'revoke', 'revoked'], socket(1))).status).toBe(0);
    expect(await running.outcome).toMatchObject({
      status: 7,
      stderr: expect.stringContaining('revoked'),
    });
  });

  test('not acquired: 75 and no command; --try at once, --timeout in its time', async () => {
    await using locks = await LockService.connect({ socket: socket(1) });
    await using _held = await (await locks.open('busy', { create: true })).acquire('EX');
    const tried = await lockRun('busy', ['--try'], 'echo', 'ran').outcome;
    expect(tried).toMatchObject({ status: 75, stderr: expect.stringContaining('others hold it') });
    const timed = await lockRun('busy', ['--timeout', '150'], 'echo', 'ran').outcome;
    expect(timed).toMatchObject({ status: 75, stderr: expect.stringContaining('within 150 ms') });
    const both = await lockRun('busy', ['--try', '--timeout', '60000'], 'echo', 'ran').outcome;
    expect(both.status).toBe(75);
    expect(String(tried.stdout) + String(timed.stdout) + String(both.stdout)).toBe('');
    expect((await aisctl(['lock', 'run', 'x', '--', 'true'], '/nonexistent/s')).status).toBe(69);
  });

  test('a signal during the wait ends it: 128 + n, nothing waits any more, nothing was run', async () => {
    await using locks = await LockService.connect({ socket: socket(1) });
    await using _held = await (await locks.open('queue', { create: true })).acquire('EX');
    const waiters = async () =>
      (String((await aisctl(['locks', 'queue'], socket())).stdout).match(/waiting/g) ?? []).length;
    for (const [signal, status] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
      ['SIGUSR1', 138],
    ] as const) {
      const running = lockRun('queue', [], 'echo', 'ran');
      await eventually(waiters, (count) => count === 1, 'the waiter');
      running.child.kill('SIGWINCH');
      running.child.kill(signal);
      const outcome = await running.outcome;
      expect(outcome).toMatchObject({ status, stderr: '' });
      expect(String(outcome.stdout)).toBe('');
      expect(await waiters()).toBe(0);
    }
  });

  test('signals while the command runs are the command’s, and its answer to them is the status', async () => {
    const running = lockRun('signals', [], 'sh', '-c', STUBBORN);
    const group = await ready(running);
    expect(group).not.toBe(running.child.pid);
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGINT', 'SIGTERM'] as const) {
      running.child.kill(signal);
      await running.says(new RegExp(`got ${signal.slice(3)}\n`));
    }
    expect(await isFree('signals')).toBe(false);
    running.child.kill('SIGQUIT');
    expect((await running.outcome).status).toBe(131);
    await noneLeft(group);
    expect(await isFree('signals')).toBe(true);
  });

  test('what the command left in its group is ended before the lock is released', async () => {
    const running = lockRun(
      'left',
      ['--grace', '300'],
      'sh',
      '-c',
      `sh -c '${STUBBORN}' & echo group $$; sleep 0.2; exit 3`,
    );
    const group = Number((await running.says(/group (\d+)/))[1]);
    const { status, stderr } = await running.outcome;
    expect(status).toBe(3);
    expect(stderr).toContain('left processes behind');
    expect(processesOfGroup(group)).toEqual([]);
    expect(await isFree('left')).toBe(true);
    // Who ends on SIGTERM is not waited for any longer.
    const docile = lockRun('left', ['--grace', '3600000'], 'sh', '-c', 'sleep 1000 & exit 4');
    expect((await docile.outcome).status).toBe(4);
  });

  test('kill -9 of aisctl itself: the guard ends the command, politely and then not', async () => {
    const polite = lockRun('guard-1', [], 'sh', '-c', POLITE);
    const stubborn = lockRun('guard-2', ['--grace', '400'], 'sh', '-c', STUBBORN);
    const groups = await Promise.all([polite, stubborn].map(ready));
    for (const running of [polite, stubborn]) {
      // Once it passes on signals, the guard knows the group.
      running.child.kill('SIGUSR1');
      await running.says(/got USR1/);
      running.child.kill('SIGKILL');
    }
    await polite.says(/bye/);
    await stubborn.says(/got TERM/);
    await Promise.all(groups.map(noneLeft));
    expect(await isFree('guard-2')).toBe(true);
  });

  test('kill -9 of the executive: SIGTERM at once, SIGKILL after the grace, no process left', async () => {
    const victim = cluster.nodes[0]!;
    const polite = lockRun('killed-1', [], 'sh', '-c', POLITE);
    const stubborn = lockRun('killed-2', ['--grace', '1500'], 'sh', '-c', STUBBORN);
    const waiting = new Running(['lock', 'run', 'killed-2', '--', 'echo', 'next'], socket(1));
    const [, group] = await Promise.all([polite, stubborn].map(ready));
    const cut = lockRun('killed-2', [], 'echo', 'ran');
    await eventually(
      async () =>
        (String((await aisctl(['locks', 'killed-2'], socket(1))).stdout).match(/waiting/g) ?? [])
          .length,
      (count) => count === 2 || waiting.child.exitCode !== null,
      'both waiters',
    );
    const killedAt = performance.now();
    victim.kill();
    await stubborn.says(/got TERM/);
    const toldMs = performance.now() - killedAt;
    const first = await polite.outcome;
    expect(first.status).toBe(7);
    expect(first.stderr).toContain('session-lost');
    const second = await stubborn.outcome;
    const endedMs = performance.now() - killedAt;
    expect(second.status).toBe(137);
    expect(toldMs).toBeLessThan(1500);
    expect(endedMs).toBeGreaterThanOrEqual(1500);
    expect(processesOfGroup(group!)).toEqual([]);
    expect((await cut.outcome).status).toBe(69);
    expect(String((await waiting.outcome).stdout)).toBe('next\n');
    await victim.exited();
    await victim.start();
    await membersEverywhere(cluster.nodes, 3);
  });

  test('the loss of quorum ends the command, too', async () => {
    const [, second, third] = cluster.nodes;
    const running = lockRun('quorum', [], 'sh', '-c', POLITE);
    const group = await ready(running);
    process.kill(-group, 'SIGSTOP'); // also what is stopped is told
    second!.kill();
    third!.kill();
    const { status, stderr } = await running.outcome;
    expect(status).toBe(7);
    expect(stderr).toMatch(/quorum-lost|node-isolated/);
    expect(processesOfGroup(group)).toEqual([]);
    await Promise.all([second!.exited(), third!.exited()]);
    await Promise.all([second!.start(), third!.start()]);
    await membersEverywhere(cluster.nodes, 3);
  });

  test('a suspended executive: signals and --timeout still end the wait', async () => {
    const third = cluster.nodes[2]!;
    third.pause();
    const timed = new Running(['lock', 'run', 'x', '--timeout', '200', '--', 'true'], third.socket);
    expect((await timed.outcome).status).toBe(75);
    third.resume();
    await membersEverywhere(cluster.nodes, 3);
  });
});
