/**
 * Whether a restarted executive knows by now what its cluster knew (ADR 0196). Until it has met the others it is a
 * cluster of its own, in which there is nothing: clients that come back for what they had open must not be
 * told so.
 */
import type { ServiceHost, View } from '@aisexec/service';
import { LONELINESS_MS_MAX } from './limits.ts';

export interface AcquaintanceOptions {
  /** Nodes of the configuration, this one included. */
  readonly nodes: readonly number[];
  /** See `ServiceHost.hasMet`. */
  readonly hasMet: () => boolean;
  readonly now: () => number;
}

/** Whether the acquaintance of a host that has not had a view yet is made. */
export function acquaintanceOf(
  host: Pick<ServiceHost, 'hasMet' | 'onView'>,
  nodes: readonly { readonly id: number }[],
): () => boolean {
  const acquaintance = new Acquaintance({
    nodes: nodes.map(({ id }) => id),
    hasMet: () => host.hasMet,
    now: () => performance.now(),
  });
  host.onView((view) => acquaintance.view(view));
  return () => acquaintance.isMade();
}

export class Acquaintance {
  readonly #options: AcquaintanceOptions;
  #aloneSince: number | undefined;
  #isMade = false;

  constructor(options: AcquaintanceOptions) {
    this.#options = options;
  }

  /** A synchronised view. */
  view({ members, quorate }: Pick<View, 'members' | 'quorate'>): void {
    const { nodes, hasMet, now } = this.#options;
    const present = new Set(members.map(({ nodeId }) => nodeId));
    if (hasMet() || nodes.every((node) => present.has(node))) this.#isMade = true;
    // Without quorum the cluster is elsewhere: this part waits for it as long as that takes.
    if (!quorate) this.#aloneSince = undefined;
    else this.#aloneSince ??= now();
  }

  /** It has met them, or those that are missing had their time and this part may go on without them. */
  isMade(): boolean {
    const since = this.#aloneSince;
    this.#isMade ||= since !== undefined && this.#options.now() - since >= LONELINESS_MS_MAX;
    return this.#isMade;
  }
}
