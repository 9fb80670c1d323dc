/** The checkpoints of the cluster for people and tools: names, sizes, openers; never any content. */
import type { Checkpoint, CkptState } from './state.ts';

export function inspect(state: CkptState): unknown {
  return {
    checkpoints: [...state.checkpoints.values()].map(inspectCheckpoint),
    opens: state.opens,
    sections: state.sections,
    bytes: state.bytes,
  };
}

function inspectCheckpoint(checkpoint: Checkpoint): unknown {
  const { id, name, linked, openers, bytes, activeNode, retainUntil } = checkpoint;
  return {
    id,
    name,
    linked,
    openers,
    bytes,
    sections: checkpoint.sections.size,
    watches: checkpoint.watches.size,
    activeNode,
    retainUntil: retainUntil === null ? null : String(retainUntil),
    attributes: {
      ...checkpoint.attributes,
      retentionDuration: String(checkpoint.attributes.retentionDuration),
    },
  };
}
