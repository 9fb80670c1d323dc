/**
 * AIS checkpoints for Node.js: named, sectioned state that every node of the cluster holds a copy of.
 * {@link CheckpointService} is the idiomatic layer; the `saCkpt…` functions are AIS CKPT to the letter.
 *
 * @packageDocumentation
 */
export {
  Checkpoint,
  type CheckpointStatus,
  type ReadRequest,
  type SectionId,
  type WriteRequest,
} from './client/checkpoint.ts';
export {
  type CheckpointAttributes,
  type CheckpointOpenOptions,
  CheckpointService,
  type CheckpointServiceOptions,
} from './client/checkpoint-service.ts';
export { type Codec, json, msgpack } from './client/codec.ts';
export { createSaCkpt } from './client/literal.ts';
export * from './client/literal-types.ts';
export { type MapChange, type MapOptions, ReplicatedMap } from './client/replicated-map.ts';
export * from './client/sa-ckpt.ts';
export {
  Section,
  type SectionCreateOptions,
  type SectionInfo,
  type SectionReadOptions,
  type SectionWriteOptions,
} from './client/section.ts';
export type { ReplacedListener } from './client/session.ts';
export { type SetOptions, TypedSection, type ValueChange } from './client/typed-section.ts';
export { type Gap, type SectionChange, Watch } from './client/watch.ts';
export type { SectionWatchOptions, WatchOptions } from './client/watching.ts';
export {
  SA_CKPT_CHECKPOINT_COLLOCATED,
  SA_CKPT_CHECKPOINT_CREATE,
  SA_CKPT_CHECKPOINT_READ,
  SA_CKPT_CHECKPOINT_WRITE,
  SA_CKPT_SECTION_CORRUPTED,
  SA_CKPT_SECTION_VALID,
  SA_CKPT_SECTIONS_ANY,
  SA_CKPT_SECTIONS_CORRUPTED,
  SA_CKPT_SECTIONS_FOREVER,
  SA_CKPT_SECTIONS_GEQ_EXPIRATION_TIME,
  SA_CKPT_SECTIONS_LEQ_EXPIRATION_TIME,
  SA_CKPT_WR_ACTIVE_REPLICA,
  SA_CKPT_WR_ACTIVE_REPLICA_WEAK,
  SA_CKPT_WR_ALL_REPLICAS,
  type SaCkptCheckpointCreationAttributesT,
  type SaCkptCheckpointDescriptorT,
  SaCkptSectionStateT,
  SaCkptSectionsChosenT,
  type SectionChangeKind,
} from './protocol.ts';
