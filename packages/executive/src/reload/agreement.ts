/**
 * A reload of the whole cluster: all nodes or none (ADR 0171). One node asks; every member reads its own file,
 * prepares, and answers; all of it travels in the total order. When the last answer is delivered and nobody has
 * refused, every node takes over at that same place of the order; with the first refusal, a change of the
 * membership, or the asker's time-out, every node drops what it prepared. So no node decides alone, and there is
 * no coordinator to lose: the asker only asks.
 */
import type { Group, GroupMessaging } from '@aisexec/totem';
import { RELOAD_LINES_MAX, RELOAD_MS_MAX } from '../limits.ts';
import {
  decodeReloadMessage,
  encodeReloadMessage,
  RELOAD_GROUP,
  type ReloadMessage,
} from './messages.ts';

/** What a node has ready; exactly one of `commit` and `drop` is called, once. */
export interface Prepared {
  /** `key: old -> new`. */
  readonly changed: readonly string[];
  /** Why this node cannot; empty: it can. */
  readonly refused: readonly string[];
  commit(): void;
  drop(): void;
}

export interface NodeAnswer {
  readonly node: number;
  readonly changed: readonly string[];
  readonly refused: readonly string[];
}

/** `applied`: by all; `dry`: all could; otherwise nobody changed anything, and `reasons` say why. */
export interface ReloadResult {
  readonly outcome: 'applied' | 'dry' | 'refused';
  readonly reasons: readonly string[];
  readonly nodes: readonly NodeAnswer[];
}

export interface AgreementOptions {
  readonly messaging: GroupMessaging;
  /** Nodes whose answer counts, at the present place of the order; undefined while synchronisation runs. */
  readonly voters: () => readonly number[] | undefined;
  readonly prepare: () => Promise<Prepared>;
  /** It is over; told on every node that took part. */
  readonly ended: (result: ReloadResult) => void;
  readonly trace: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

export interface Agreement {
  /** Has all members reload. Never rejects. */
  reload(dry: boolean): Promise<ReloadResult>;
  stop(): void;
}

interface Running {
  readonly asker: number;
  readonly reload: number;
  readonly dry: boolean;
  readonly voters: readonly number[];
  readonly answers: Map<number, NodeAnswer>;
  prepared: Prepared | undefined;
}

interface Asked {
  readonly reload: number;
  readonly resolve: (result: ReloadResult) => void;
  readonly timer: NodeJS.Timeout;
}

export function createAgreement(options: AgreementOptions): Agreement {
  const { messaging, trace } = options;
  const self = messaging.nodeId;
  let running: Running | undefined;
  let asked: Asked | undefined;
  let newest = 0;
  /** What the queue did not take: an answer for each reload that began, a give-up for each of this node's. */
  const unsent: ReloadMessage[] = [];

  const group: Group = messaging.join(RELOAD_GROUP, {
    deliver({ source, bytes }) {
      const message = decodeReloadMessage(bytes);
      if (message === undefined) trace('drop-message', { reason: 'no reload message', source });
      else if (message.type === 'ask') begin(source, message.reload, message.dry);
      else if (message.type === 'answer') count(source, message);
      else giveUp(source, message.reload);
    },
    configuration({ type }) {
      // Whether all have answered is no longer the question that was asked.
      if (type !== 'regular') return;
      if (running !== undefined) end(running, ['the membership changed meanwhile: again']);
    },
    drained() {
      for (const message of unsent.splice(0)) send(message);
    },
  });

  function send(message: ReloadMessage): void {
    if (!group.multicast([encodeReloadMessage(message)], 'agreed')) unsent.push(message);
  }

  function begin(asker: number, reload: number, dry: boolean): void {
    const voters = options.voters();
    if (running !== undefined || voters === undefined) {
      const why =
        running === undefined
          ? 'synchronisation is running: again in a moment'
          : `node ${running.asker} is reloading: again in a moment`;
      if (asker === self) settle(reload, { outcome: 'refused', reasons: [why], nodes: [] });
      return;
    }
    const started: Running = {
      ...{ asker, reload, dry, voters },
      answers: new Map(),
      prepared: undefined,
    };
    running = started;
    void options.prepare().then((prepared) => {
      // Somebody refused meanwhile, or the membership changed.
      if (running !== started) return prepared.drop();
      started.prepared = prepared;
      const changed = prepared.changed.slice(0, RELOAD_LINES_MAX);
      const refused = prepared.refused.slice(0, RELOAD_LINES_MAX);
      send({ type: 'answer', asker, reload, changed, refused });
    });
  }

  function count(node: number, answer: Extract<ReloadMessage, { type: 'answer' }>): void {
    const { asker, reload, changed, refused } = answer;
    if (running?.asker !== asker || running.reload !== reload) return;
    if (!running.voters.includes(node)) return;
    running.answers.set(node, { node, changed, refused });
    if (refused.length > 0)
      end(
        running,
        refused.map((reason) => `node ${node}: ${reason}`),
      );
    else if (missing(running).length === 0) end(running, []);
  }

  function giveUp(asker: number, reload: number): void {
    if (running?.asker === asker && running.reload === reload) {
      end(running, [`no answer from ${namesOf(missing(running))} in ${RELOAD_MS_MAX} ms`]);
    } else if (asker === self) {
      settle(reload, { outcome: 'refused', reasons: ['it took too long: again'], nodes: [] });
    }
  }

  function missing({ voters, answers }: Running): readonly number[] {
    return voters.filter((node) => !answers.has(node));
  }

  function end(over: Running, reasons: readonly string[]): void {
    running = undefined;
    const { prepared, dry, asker, reload, answers } = over;
    const isApplied = reasons.length === 0 && !dry;
    if (isApplied) prepared?.commit();
    else prepared?.drop();
    const result: ReloadResult = {
      outcome: reasons.length > 0 ? 'refused' : dry ? 'dry' : 'applied',
      reasons,
      nodes: [...answers.values()].sort((a, b) => a.node - b.node),
    };
    if (!dry) options.ended(result);
    if (asker === self) settle(reload, result);
  }

  function settle(reload: number, result: ReloadResult): void {
    if (asked?.reload !== reload) return;
    clearTimeout(asked.timer);
    const { resolve } = asked;
    asked = undefined;
    resolve(result);
  }

  function refusedNow(reason: string): Promise<ReloadResult> {
    return Promise.resolve({ outcome: 'refused', reasons: [reason], nodes: [] });
  }

  return {
    reload(dry) {
      if (asked !== undefined) return refusedNow('this node is reloading: again in a moment');
      const reload = newest + 1;
      const message: ReloadMessage = { type: 'ask', reload, dry };
      if (!group.multicast([encodeReloadMessage(message)], 'agreed')) {
        return refusedNow('the ring takes no messages at the moment: again in a moment');
      }
      newest = reload;
      return new Promise((resolve) => {
        const timer = setTimeout(() => send({ type: 'give-up', reload }), RELOAD_MS_MAX);
        asked = { reload, resolve, timer };
      });
    },
    stop() {
      if (running !== undefined) end(running, ['this node leaves']);
      if (asked === undefined) return;
      settle(asked.reload, { outcome: 'refused', reasons: ['this node leaves'], nodes: [] });
    },
  };
}

function namesOf(nodes: readonly number[]): string {
  return `${nodes.length === 1 ? 'node' : 'nodes'} ${nodes.join(', ')}`;
}
