// Daemons of both kinds for programs that measure them beside each other or in one ring: their corosync.conf, how
// they are started in a namespace of netns.mjs, and the processes of a group that tell what they see.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const WITHIN_MS = 60_000;
const POLL_MS = 5;
/** Of a daemon's log. */
const LINES_KEPT = 60;
const path = (file) => fileURLToPath(new URL(file, import.meta.url));

/** Keys of the section totem, the same for all; `state_dir` is the node's directory. */
export function corosyncConf(nodes, self, { totem = {}, realtime = 'no' } = {}) {
  const members = nodes.map(
    ({ id, address }) =>
      `  node {\n    nodeid: ${id}\n    name: n${id}\n    ring0_addr: ${address}\n  }`,
  );
  const settings = { version: 2, cluster_name: 'bench', transport: 'udpu', ...totem };
  const lines = Object.entries(settings).map(([key, value]) => `  ${key}: ${value}`);
  return [
    'totem {',
    ...lines,
    ...(settings.transport === 'udp' ? ['  interface {\n    mcastport: 5405\n  }'] : []),
    '}\nnodelist {',
    ...members,
    '}\nquorum {\n  provider: corosync_votequorum\n}',
    'logging {\n  to_stderr: yes\n  to_syslog: no\n  to_logfile: no\n}',
    `system {\n  move_to_root_cgroup: no\n  sched_rr: ${realtime}\n  state_dir: ${self.directory}\n}\n`,
  ].join('\n');
}

/** The command of a daemon of this kind, on the file `corosync.conf` (or another) of the node's directory. */
export function daemonCommand(kind, node, file = 'corosync.conf') {
  const config = join(node.directory, file);
  if (kind === 'corosync') {
    const script = 'mount -t tmpfs none /run && exec corosync -f -c "$0"';
    return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, config];
  }
  const bin = path('../../packages/executive/dist/bin/aisexec.js');
  return [process.execPath, bin, '-c', config];
}

export function environmentOf(node) {
  return { XDG_STATE_HOME: node.directory, AISEXEC_SOCKET: join(node.directory, 'sock') };
}

/** A daemon that keeps the end of its log. */
export class Daemon {
  child;
  node;
  kind;
  tail = [];
  #network;
  #file;

  constructor(network, node, kind, { config, file = 'corosync.conf' }) {
    Object.assign(this, { node, kind });
    this.#network = network;
    this.#file = file;
    writeFileSync(join(node.directory, file), config);
  }

  /** Resolves when the log of the process that runs shows all members of a ring of three. */
  async formed() {
    const shown = this.kind === 'corosync' ? /Members\[3\]/ : /members[^\n]*\b3\b/;
    const ready = () => this.tail.some((line) => shown.test(line));
    await until(ready, `three members at node ${this.node.id}`);
  }

  start() {
    this.tail.length = 0;
    this.child = this.#network.spawn(this.node, daemonCommand(this.kind, this.node, this.#file), {
      env: environmentOf(this.node),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    createInterface({ input: this.child.stderr }).on('line', (line) => {
      this.tail.push(line);
      if (this.tail.length > LINES_KEPT) this.tail.shift();
    });
  }

  get running() {
    const { child } = this;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  async kill(signal = 'SIGKILL') {
    if (!this.running) return;
    const gone = once(this.child, 'exit');
    this.child.kill(signal);
    await gone;
  }
}

export function compilePeer(network) {
  const program = join(network.directory, 'cpg-peer');
  execFileSync('cc', ['-O2', '-o', program, path('../interop/cpg-peer.c'), '-lcpg']);
  return program;
}

/** A process in the group, behind a daemon of either kind (cpg-peer.c, cpg-peer.mjs). */
export class Peer {
  lines = [];
  daemon;
  #child;
  #waiting = new Set();

  constructor(network, daemon, program, group = 'bench') {
    this.daemon = daemon;
    const ours = [process.execPath, path('../interop/cpg-peer.mjs'), group, '7'];
    const command = daemon.kind === 'corosync' ? [program, group] : ours;
    this.#child = network.spawn(daemon.node, command, { env: environmentOf(daemon.node) });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.lines.push({ line, at: performance.now() });
      for (const look of this.#waiting) look();
    });
  }

  tell(line) {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Resolves with the first line from number `from` on for which `wanted` holds, and when it came. */
  async line(wanted, from = 0, withinMs = WITHIN_MS) {
    const find = () => this.lines.slice(from).find(({ line }) => wanted(line));
    const found = find();
    if (found !== undefined) return found;
    return await new Promise((resolve, reject) => {
      const end = (settle) => {
        clearTimeout(late);
        this.#waiting.delete(look);
        settle();
      };
      const look = () => {
        const line = find();
        if (line !== undefined) end(() => resolve(line));
      };
      const late = setTimeout(() => {
        const { node, tail } = this.daemon;
        const last = this.lines.at(-1)?.line ?? 'nothing';
        end(() =>
          reject(new Error(`node ${node.id} says no more than '${last}'\n${tail.join('\n')}`)),
        );
      }, withinMs);
      this.#waiting.add(look);
    });
  }

  /** Resolves when it sees processes of exactly these nodes, from line `from` on. @returns when. */
  async members(ids, from = 0) {
    const wanted = [...ids].sort().join();
    const seen = (line) => {
      const all = /^members all=(\S*)/.exec(line)?.[1];
      return (
        all
          ?.split(',')
          .map((member) => member.split('.')[0])
          .sort()
          .join() === wanted
      );
    };
    return (await this.line(seen, from)).at;
  }

  async ask(request, withinMs) {
    const from = this.lines.length;
    this.tell(request);
    const word = request.split(' ')[0];
    const { line } = await this.line((text) => text.startsWith(word), from, withinMs);
    return line;
  }

  kill() {
    this.#child.kill('SIGKILL');
  }
}

/** Random loss on what a node receives from others, in percent; 0 ends it. */
export function loseReceived(node, percent) {
  const rule = ['-p', 'udp', '-i', 'eth0', '-m', 'statistic', '--mode', 'random'];
  const run = (...args) =>
    execFileSync('ip', ['netns', 'exec', node.namespace, 'iptables-legacy', ...args]);
  run('-F', 'INPUT');
  if (percent > 0) {
    run('-A', 'INPUT', ...rule, '--probability', String(percent / 100), '-j', 'DROP');
  }
}

/** Asks until there is an answer. */
export async function until(answer, what, withinMs = WITHIN_MS) {
  const end = performance.now() + withinMs;
  for (;;) {
    const found = await answer();
    if (found) return found;
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await delay(POLL_MS);
  }
}
