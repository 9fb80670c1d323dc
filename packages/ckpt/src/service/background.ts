/**
 * How contents of sections follow after a synchronisation that sent none (ADR 0126). A piece is one page of a
 * section: what this replica has of it is in `section-data.ts`, who asks whom and when is the host's business.
 */
import { type BackgroundSync, Hash64, type Infer, s } from '@aisexec/service';
import { PAGE_BYTES, SECTION_ID_BYTES_MAX } from '../limits.ts';
import {
  adoptPages,
  awaitPage,
  pageBytes,
  readData,
  type SectionData,
  settlePage,
} from './section-data.ts';
import { type Checkpoint, type CkptState, removeSection } from './state.ts';
import { tellGap } from './watches.ts';

const piece = s.object({
  checkpoint: s.text(64),
  key: s.text(2 * SECTION_ID_BYTES_MAX),
  page: s.count,
});
type Piece = Infer<typeof piece>;

export const background: BackgroundSync<CkptState, Piece> = {
  piece,
  pieceBytesMax: PAGE_BYTES,
  adopt,
  lacking,
  awaits(state, wanted, asked) {
    const data = dataOf(state, wanted);
    return data !== undefined && awaitPage(data, wanted.page, asked);
  },
  give(state, wanted) {
    const data = dataOf(state, wanted);
    if (!(data?.pages[wanted.page] instanceof Uint8Array)) return undefined;
    return readData(data, wanted.page * PAGE_BYTES, pageBytes(data.size, wanted.page));
  },
  settle(state, wanted, asked, content) {
    const data = dataOf(state, wanted);
    if (data !== undefined) settlePage(data, wanted.page, asked, content);
  },
  lost(state, wanted, ctx) {
    const checkpoint = state.checkpoints.get(wanted.checkpoint);
    const page = dataOf(state, wanted)?.pages[wanted.page];
    if (checkpoint === undefined || page === undefined || page instanceof Uint8Array) return false;
    removeSection(state, checkpoint, wanted.key);
    tellGap([...checkpoint.watches.values()], ctx);
    return true;
  },
};

function dataOf(state: CkptState, { checkpoint, key }: Piece): SectionData | undefined {
  return state.checkpoints.get(checkpoint)?.sections.get(key)?.data;
}

/** All of the state but the contents, which the sections' versions stand for. */
export function digest(state: CkptState): string {
  const hash = new Hash64();
  for (const checkpoint of state.checkpoints.values()) addCheckpoint(hash, checkpoint);
  for (const [key, { opens }] of state.clients) {
    hash.text(key);
    hash.word(opens.size);
    for (const [handle, { checkpoint, flags }] of opens) {
      hash.long(handle);
      hash.text(checkpoint);
      hash.word(flags);
    }
  }
  hash.long(state.due ?? -1n);
  return hash.hex();
}

function addCheckpoint(hash: Hash64, checkpoint: Checkpoint): void {
  const { attributes, sections, watches } = checkpoint;
  hash.text(checkpoint.id);
  hash.text(checkpoint.name);
  for (const value of Object.values(attributes)) {
    if (typeof value === 'bigint') hash.long(value);
    else hash.integer(value);
  }
  hash.word(checkpoint.linked ? 1 : 0);
  hash.integer(sections.size);
  hash.integer(checkpoint.digest);
  hash.integer(checkpoint.nextSerial);
  hash.integer(checkpoint.generated);
  hash.word(checkpoint.activeNode ?? 0);
  hash.long(checkpoint.retainUntil ?? -1n);
  hash.long(checkpoint.due ?? -1n);
  hash.word(watches.size);
  for (const [key, { section, data }] of watches) {
    hash.text(key);
    hash.text(section ?? '');
    hash.word(data ? 1 : 0);
  }
}

/** Contents of equal version are equal: they need not come again, whatever instance holds them. */
function adopt(before: CkptState, after: CkptState): void {
  for (const checkpoint of after.checkpoints.values()) {
    const held = [
      before.checkpoints.get(checkpoint.id),
      before.checkpoints.get(before.names.get(checkpoint.name) ?? ''),
    ];
    for (const [key, { version, data }] of checkpoint.sections) {
      for (const instance of held) {
        const known = instance?.sections.get(key);
        if (known?.version === version) adoptPages(data, known.data);
      }
    }
  }
}

function* lacking(state: CkptState): Iterable<{ readonly piece: Piece; readonly bytes: number }> {
  for (const { id: checkpoint, sections } of state.checkpoints.values()) {
    for (const [key, { data }] of sections) {
      for (const [page, content] of data.pages.entries()) {
        if (content instanceof Uint8Array) continue;
        yield { piece: { checkpoint, key, page }, bytes: pageBytes(data.size, page) };
      }
    }
  }
}
