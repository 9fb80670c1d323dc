/**
 * An iteration over the sections of a checkpoint (AIS-CKPT B.3 rule 8, ADR 0084). The ids are listed when
 * it begins; each section is described when it is its turn, and skipped when it is gone by then. So every
 * section that exists throughout is visited exactly once, whatever is created, deleted or merged
 * meanwhile. The executive keeps nothing for it.
 */
import {
  SA_AIS_ERR_NO_SECTIONS,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import { ITERATION_AHEAD, ITERATION_RESTARTS_MAX } from '../limits.ts';
import type { SectionDescription } from '../protocol.ts';
import type { Ask } from './requests.ts';

/** What the owner of the handle counts: descriptions fetched before its own last change are stale. */
export interface ChangeCounter {
  changes: number;
}

export interface SectionFilter {
  readonly chosen: number;
  readonly expirationTime: bigint;
}

export class SectionIteration {
  readonly #handle: bigint;
  readonly #keys: readonly string[];
  readonly #counter: ChangeCounter;
  #next = 0;
  #ahead: (SectionDescription | null)[] = [];
  #changesSeen = 0;
  /** Calls take their turn, so that two at a time do not get the same section. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(handle: bigint, keys: readonly string[], counter: ChangeCounter) {
    this.#handle = handle;
    this.#keys = keys;
    this.#counter = counter;
  }

  static async begin(
    ask: Ask,
    handle: bigint,
    filter: SectionFilter,
    counter: ChangeCounter,
  ): Promise<{ readonly rc: SaAisErrorT; readonly iteration?: SectionIteration }> {
    for (let attempt = 0; attempt <= ITERATION_RESTARTS_MAX; attempt++) {
      const listed = await list(ask, handle, filter);
      if (listed === 'view-changed') continue;
      if (listed.keys === undefined) return { rc: listed.rc };
      return { rc: SA_AIS_OK, iteration: new SectionIteration(handle, listed.keys, counter) };
    }
    return { rc: SA_AIS_ERR_TRY_AGAIN };
  }

  /** The next section; NO_SECTIONS at the end. A failed call can be repeated. */
  next(ask: Ask): Promise<Next> {
    const next = this.#turn.then(() => this.#advance(ask));
    this.#turn = next.catch(() => {});
    return next;
  }

  async #advance(ask: Ask): Promise<Next> {
    while (this.#next < this.#keys.length) {
      if (this.#changesSeen !== this.#counter.changes) this.#ahead = [];
      if (this.#ahead.length === 0) {
        this.#changesSeen = this.#counter.changes;
        const sectionIds = this.#keys.slice(this.#next, this.#next + ITERATION_AHEAD);
        const reply = await ask('sectionDescribe', { handle: this.#handle, sectionIds });
        if (reply.rc !== SA_AIS_OK) return { rc: reply.rc };
        this.#ahead = [...(reply['sections'] as (SectionDescription | null)[])];
      }
      const section = this.#ahead.shift();
      this.#next++;
      if (section !== null && section !== undefined) return { rc: SA_AIS_OK, section };
    }
    return { rc: SA_AIS_ERR_NO_SECTIONS };
  }
}

type Next = { readonly rc: SaAisErrorT; readonly section?: SectionDescription };
type Listing = { readonly rc: SaAisErrorT; readonly keys?: readonly string[] };

/** All ids in the order of creation; pages of different views do not fit together. */
async function list(
  ask: Ask,
  handle: bigint,
  filter: SectionFilter,
): Promise<Listing | 'view-changed'> {
  const keys = new Set<string>();
  let ring: unknown;
  for (let after = 0; ; ) {
    const reply = await ask('sectionKeys', { handle, ...filter, after });
    if (reply.rc !== SA_AIS_OK) return { rc: reply.rc };
    if (after > 0 && reply['ring'] !== ring) return 'view-changed';
    ring = reply['ring'];
    for (const key of reply['keys'] as readonly string[]) keys.add(key);
    if (typeof reply['next'] !== 'number') return { rc: SA_AIS_OK, keys: [...keys] };
    after = reply['next'];
  }
}
