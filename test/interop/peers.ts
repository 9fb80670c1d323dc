/** Members of a process group for the tests: a C program on libcpg, and our client, with the same digest. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type GroupEvent, ProcessGroup } from '@aisexec/cpg';
import type { AisexecNode, CorosyncNode, Lab } from './netns.ts';
import { until } from './netns.ts';
import type { Listed, Segment } from './synchrony.ts';

const SOURCE = fileURLToPath(new URL('./cpg-peer.c', import.meta.url));

/** Why no C program can be built here; undefined: it can. */
export function compilerMissing(): string | undefined {
  const probe = spawnSync('gcc', ['-fsyntax-only', SOURCE]);
  return probe.status === 0 ? undefined : 'gcc or the headers of libcpg (libcpg-dev) are missing';
}

export function compilePeer(lab: Lab): string {
  const program = join(lab.directory, 'cpg-peer');
  const built = spawnSync('gcc', ['-O2', SOURCE, '-lcpg', '-o', program], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(built.stderr);
  return program;
}

const DIGEST_EMPTY = 2_166_136_261;

export interface Delivered {
  readonly count: number;
  readonly digest: string;
}

/** The C program behind one corosync daemon. */
export class CPeer {
  readonly #child: ChildProcess;
  readonly lines: string[] = [];

  constructor(node: CorosyncNode, program: string, group: string) {
    this.#child = node.spawn([program, group]);
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.lines.push(line));
  }

  get pid(): number {
    return this.#child.pid!;
  }

  tell(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  /** So many messages of `min` to `max` bytes, as fast as it can; resolves at once. */
  send(count: number, min: number, max: number, seed: number): Promise<void> {
    this.tell(`send ${count} ${min} ${max} ${seed}`);
    return Promise.resolve();
  }

  /** The members by the last change: `node.pid`, sorted. */
  get members(): readonly string[] {
    const last = this.lines.findLast((line) => line.startsWith('members'));
    const all = /all=(\S*)/.exec(last ?? '')?.[1] ?? '';
    return all === '' ? [] : all.split(',').sort();
  }

  /** Of what it delivered since it was told to `list`; `first`: the ring in which that was. */
  segments(first?: string): readonly Segment[] {
    return segmentsOf(
      this.lines.flatMap((line): (Listed | string)[] => {
        const [what, word, digest] = line.split(' ');
        if (what === 'ring') return [word!];
        return what === 'got' ? [{ node: Number(word), digest: digest! }] : [];
      }),
      first,
    );
  }

  async delivered(): Promise<Delivered> {
    const before = this.lines.length;
    this.tell('hash');
    let found: string | undefined;
    await until(() => {
      found = this.lines.slice(before).find((line) => line.startsWith('hash'));
      return found === undefined ? `no hash: ${this.lines.at(-1)}` : undefined;
    });
    const [, count, digest] = found!.split(' ');
    return { count: Number(count), digest: digest! };
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

/** Our client behind one executive. */
export class NodePeer {
  readonly group: ProcessGroup;
  readonly pid: number;
  readonly events: GroupEvent[] = [];
  #count = 0;
  #digest = DIGEST_EMPTY;
  readonly #listed: (Listed | string)[] = [];

  private constructor(group: ProcessGroup, pid: number) {
    this.group = group;
    this.pid = pid;
    void this.#read();
  }

  static async join(node: AisexecNode, name: string, pid: number): Promise<NodePeer> {
    return new NodePeer(await ProcessGroup.join(name, { socket: node.socket, pid }), pid);
  }

  get members(): readonly string[] {
    return this.group.members.map(({ nodeId, pid }) => `${nodeId}.${pid}`).sort();
  }

  delivered(): Promise<Delivered> {
    return Promise.resolve({ count: this.#count, digest: hexOf(this.#digest) });
  }

  /** `first`: the ring in which it joined. */
  segments(first?: string): readonly Segment[] {
    return segmentsOf(this.#listed, first);
  }

  /** The same load as the C program's `send`; with `isTold` as its `flood`, until that says so. */
  async send(
    count: number,
    min: number,
    max: number,
    seed: number,
    isTold = () => false,
  ): Promise<void> {
    let state = seed;
    const window = new Set<Promise<void>>();
    for (let i = 0; i < count && !isTold(); i++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      const length = min + (max > min ? state % (max - min + 1) : 0);
      const sent = this.group.multicast(new Uint8Array(length).fill(state >>> 24));
      window.add(sent);
      const settled = () => window.delete(sent);
      sent.then(settled, settled);
      if (window.size >= 64) await Promise.race(window);
    }
    await Promise.all(window);
  }

  async end(): Promise<void> {
    await this.group.close();
  }

  async #read(): Promise<void> {
    try {
      for await (const event of this.group.events()) this.#note(event);
    } catch (error) {
      this.events.push({ type: 'members', members: [], joined: [], left: [] });
      if (!(error instanceof Error)) throw error;
    }
  }

  #note(event: GroupEvent): void {
    if (event.type === 'ring') {
      const { rep, seq } = event.ringId;
      this.#listed.push(`${rep}.${seq}`);
    }
    if (event.type !== 'message') {
      this.events.push(event);
      return;
    }
    const { nodeId, pid } = event.from;
    const head = new DataView(new ArrayBuffer(12));
    const words = [nodeId, pid, event.bytes.length];
    for (const [i, value] of words.entries()) head.setUint32(4 * i, value, true);
    const parts = [new Uint8Array(head.buffer), event.bytes];
    this.#digest = parts.reduce(mixed, this.#digest);
    this.#count++;
    this.#listed.push({ node: nodeId, digest: hexOf(parts.reduce(mixed, DIGEST_EMPTY)) });
  }
}

function mixed(digest: number, bytes: Uint8Array): number {
  let state = digest;
  for (let i = 0; i < bytes.length; i++) state = Math.imul(state ^ bytes[i]!, 16_777_619);
  return state;
}

function hexOf(digest: number): string {
  return (digest >>> 0).toString(16).padStart(8, '0');
}

/** Messages and, between them, the rings that were formed. */
function segmentsOf(listed: readonly (Listed | string)[], first?: string): readonly Segment[] {
  const segments: Segment[] = [];
  let from = first;
  let messages: Listed[] = [];
  for (const one of listed) {
    if (typeof one !== 'string') {
      messages.push(one);
      continue;
    }
    segments.push({ from, to: one, messages });
    from = one;
    messages = [];
  }
  return segments;
}

/** Resolves with the one digest when all have delivered as many messages, `count` at least; rejects when they differ. */
export async function sameDeliveries(
  peers: readonly (CPeer | NodePeer)[],
  count: number,
  timeoutMs = 60_000,
): Promise<string> {
  let all: readonly Delivered[] = [];
  await until(
    async () => {
      all = await Promise.all(peers.map((peer) => peer.delivered()));
      const counts = all.map((one) => one.count);
      const isQuiet = counts.every((one) => one >= count && one === counts[0]);
      return isQuiet ? undefined : JSON.stringify(all);
    },
    () => '',
    timeoutMs,
  );
  const digests = new Set(all.map(({ count, digest }) => `${count} ${digest}`));
  if (digests.size !== 1) throw new Error(`deliveries differ: ${[...digests].join('; ')}`);
  return [...digests][0]!;
}

/** Resolves when all of them see exactly these members. */
export async function sameMembers(
  peers: readonly (CPeer | NodePeer)[],
  members: readonly string[],
): Promise<void> {
  const wanted = [...members].sort().join();
  await until(() => {
    const seen = peers.map((peer) => peer.members.join());
    return seen.every((one) => one === wanted) ? undefined : `${wanted}: ${seen.join(' | ')}`;
  });
}
