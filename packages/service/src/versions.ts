/**
 * Which version of a service the nodes of a view speak: the one place with the rule (ADR 0173). Every node
 * names in its hello what its code speaks; all compute the same agreement from the same hellos.
 *
 *   * The winning history decides who may take part: its nodes hold the state, and the highest `minVersion`
 *     among them is the least that a node must speak. One node of old or foreign code cannot stop them.
 *   * The agreed version is the lowest `version` among those that may. Nothing newer is sent.
 *   * A node outside of that history which speaks only newer ones is refused until the others are upgraded.
 *
 * A node that is refused stops this service alone; its executive and its other services go on.
 */

/** What code speaks: every version between these, both included. */
export interface Spoken {
  readonly version: number;
  readonly minVersion: number;
}

/** The version of code, and of messages, that name none. */
export const FIRST_VERSION = 1;

/** From a definition or a hello: what is absent is the first version. */
export function spokenBy(names: {
  readonly version?: number | undefined;
  readonly minVersion?: number | undefined;
}): Spoken {
  const { version = FIRST_VERSION, minVersion = FIRST_VERSION } = names;
  // Whatever a hello claims, code speaks its own version.
  return { version, minVersion: Math.min(minVersion, version) };
}

export interface Agreement {
  /** What everybody who is not refused speaks. */
  readonly version: number;
  /** Why a node cannot run the service in this view, by nodeid. */
  readonly refused: ReadonlyMap<number, string>;
}

/**
 * @param nodes who runs the service, by nodeid: at least one.
 * @param deciders of these, the nodes of the winning history, or the one that counts when there is none.
 */
export function agreeVersion(
  nodes: ReadonlyMap<number, Spoken>,
  deciders: readonly number[],
): Agreement {
  const refused = new Map<number, string>();
  const least = Math.max(...deciders.map((node) => nodes.get(node)!.minVersion));
  let version = Number.POSITIVE_INFINITY;
  for (const [node, spoken] of nodes) {
    if (spoken.version >= least) version = Math.min(version, spoken.version);
    else refused.set(node, tooOld(spoken, least));
  }
  for (const [node, spoken] of nodes) {
    if (refused.has(node)) continue;
    const reason = disagreement(spoken, version);
    if (reason !== undefined) refused.set(node, reason);
  }
  return { version, refused };
}

/** Why code cannot run in a view that speaks `version`; undefined: it can. */
export function disagreement(spoken: Spoken, version: number): string | undefined {
  if (spoken.version < version) return tooOld(spoken, version);
  if (spoken.minVersion <= version) return undefined;
  return `its code speaks version ${spoken.minVersion} and newer, the other nodes speak ${version}: upgrade them first`;
}

function tooOld({ version }: Spoken, least: number): string {
  return `its code speaks version ${version}, the other nodes need at least ${least}: upgrade this node`;
}

/** As a hello says it: the first version goes without saying, so that it is as it was before there were versions. */
export function told({ version, minVersion }: Spoken): Partial<Spoken> {
  return version === FIRST_VERSION ? {} : { version, minVersion };
}
