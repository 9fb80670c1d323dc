/** The services of one host by id; their names are unique, too. */
import { invariant } from '../invariant.ts';
import { SERVICE_ID_MAX } from '../limits.ts';
import { Replica, type ReplicaOptions } from './replica.ts';

export class ReplicaTable extends Map<number, Replica> {
  /** @throws InvariantError: the id is out of range or taken, or the name is. */
  add(options: ReplicaOptions): void {
    const { id, name } = options.definition;
    invariant(Number.isInteger(id) && id > 0 && id <= SERVICE_ID_MAX, 'service id', { id });
    invariant(!this.has(id) && this.named(name) === undefined, 'service twice', { id, name });
    this.set(id, new Replica(options));
  }

  named(name: string): Replica | undefined {
    for (const replica of this.values()) if (replica.name === name) return replica;
    return undefined;
  }

  /** The state for people and tools; null where the service has none. */
  inspect(name: string): unknown {
    const replica = this.named(name);
    if (replica?.running !== true) return null;
    return replica.guard('inspect', () => replica.definition.inspect(replica.state)) ?? null;
  }
}
