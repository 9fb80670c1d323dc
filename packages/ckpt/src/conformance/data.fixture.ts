/** Rows of what is in sections: write, overwrite, read (AIS-CKPT B.3 rule 5). */
import assert from 'node:assert/strict';
import { ok } from '../../../../test/fixtures/ais-table.ts';
import type { SaCkptIOVectorElementT, SaCkptSectionIdT } from '../client/literal-types.ts';
import { IO_ELEMENT_BYTES_MAX } from '../limits.ts';
import { create, DEFAULT } from './sections.fixture.ts';
import {
  ALL,
  bytes,
  COLLOCATED,
  element,
  id,
  type OnCheckpoint,
  on,
  type Row,
  row,
  textOf,
  WRITE,
} from './stage.fixture.ts';

/** @param failing the element that must be named. */
const write =
  (vector: readonly SaCkptIOVectorElementT[] | null, failing?: number): OnCheckpoint =>
  async (sa, checkpoint) => {
    const answer = await sa.saCkptCheckpointWrite(checkpoint, vector);
    assert.equal(answer.erroneousVectorIndex, failing);
    return answer;
  };

const overwrite =
  (
    section: SaCkptSectionIdT | null = id('s'),
    data: Uint8Array | null = bytes('x'),
  ): OnCheckpoint =>
  (sa, checkpoint) =>
    sa.saCkptSectionOverwrite(checkpoint, section, data);

const writeRows: readonly Row[] = [
  row(
    'saCkptCheckpointWrite',
    'OK',
    'at offsets, of several sections; a gap is zero',
    on('full', async (sa, checkpoint, stage) => {
      ok(await create(id('n'), '')(sa, checkpoint, stage));
      const vector = [element('s', 'AT', 1), element('n', 'x', 2), element('s', 'end', 4)];
      const answer = await write(vector)(sa, checkpoint, stage);
      assert.equal(await stage.read(checkpoint), 'dATaend');
      assert.equal(await stage.read(checkpoint, 'n'), '\0\0x');
      return answer;
    }),
  ),
  row(
    'saCkptCheckpointWrite',
    'OK',
    'the default section',
    on('single', async (sa, checkpoint, stage) => {
      const item = { sectionId: DEFAULT, dataBuffer: bytes('x'), dataOffset: 0 };
      const answer = await sa.saCkptCheckpointWrite(checkpoint, [item]);
      assert.equal(await stage.read(checkpoint, null), 'x');
      return answer;
    }),
  ),
  row(
    'saCkptCheckpointWrite',
    'OK',
    'up to maxSectionSize',
    on('full', write([element('s', 'x', 99)])),
  ),
  row('saCkptCheckpointWrite', 'OK', 'the vector is empty', on('full', write([]))),
  row('saCkptCheckpointWrite', 'INVALID_PARAM', 'the vector is null', on('full', write(null))),
  row(
    'saCkptCheckpointWrite',
    'INVALID_PARAM',
    'past maxSectionSize: nothing of that element is written',
    on('full', async (sa, checkpoint, stage) => {
      const vector = [element('s', 'D'), element('s', 'xy', 99)];
      const answer = await write(vector, 1)(sa, checkpoint, stage);
      assert.equal(await stage.read(checkpoint), 'Data');
      return answer;
    }),
  ),
  row(
    'saCkptCheckpointWrite',
    'OK',
    'no bytes at maxSectionSize itself: nothing is written',
    on('full', async (sa, checkpoint, stage) => {
      const answer = await write([element('s', '', 100)])(sa, checkpoint, stage);
      assert.equal(await stage.read(checkpoint), 'data');
      return answer;
    }),
  ),
  row(
    'saCkptCheckpointWrite',
    'INVALID_PARAM',
    'one byte at maxSectionSize itself',
    on('full', write([element('s', 'x', 100)], 0)),
  ),
  row(
    'saCkptCheckpointWrite',
    'INVALID_PARAM',
    'a section id is null',
    on('full', write([element('s', 'x'), { ...element('s', 'x'), sectionId: null }], 1)),
  ),
  row(
    'saCkptCheckpointWrite',
    'INVALID_PARAM',
    'dataSize is larger than the buffer',
    on('full', write([{ ...element('s', 'x'), dataSize: 2 }], 0)),
  ),
  row(
    'saCkptCheckpointWrite',
    'NOT_EXIST',
    'no such section: earlier elements stay written',
    on('full', async (sa, checkpoint, stage) => {
      const vector = [element('s', 'D'), element('n', 'x'), element('s', 'never')];
      const answer = await write(vector, 1)(sa, checkpoint, stage);
      assert.equal(await stage.read(checkpoint), 'Data');
      return answer;
    }),
  ),
  row(
    'saCkptCheckpointWrite',
    'NOT_EXIST',
    'there is no active replica',
    on('inactive', write([element('s', 'x')])),
  ),
  row('saCkptCheckpointWrite', 'NO_RESOURCES', 'an element has more than 40 MiB', async (stage) => {
    const maxSectionSize = 2 * IO_ELEMENT_BYTES_MAX;
    await stage.open(await stage.far(), { maxSectionSize, maxSections: 1 }, ALL);
    const own = await stage.open(await stage.near(), null, WRITE);
    const dataBuffer = new Uint8Array(IO_ELEMENT_BYTES_MAX + 1);
    return write([{ sectionId: DEFAULT, dataBuffer, dataOffset: 0 }], 0)(stage.sa, own, stage);
  }),
  row(
    'saCkptCheckpointWrite',
    'ACCESS',
    'not open for writing',
    on('reader', write([element('s', 'x')])),
  ),
  row(
    'saCkptCheckpointWrite',
    'BAD_HANDLE',
    'the checkpoint is closed',
    on('closed', write([element('s', 'x')])),
  ),
  row(
    'saCkptSectionOverwrite',
    'OK',
    'content and size are replaced',
    on('full', async (sa, checkpoint, stage) => {
      const answer = await overwrite()(sa, checkpoint, stage);
      assert.equal(await stage.read(checkpoint), 'x');
      return answer;
    }),
  ),
  row('saCkptSectionOverwrite', 'OK', 'by nothing', on('full', overwrite(id('s'), bytes('')))),
  row('saCkptSectionOverwrite', 'OK', 'another node has the active replica', async (stage) => {
    const active = await stage.open(await stage.far(), { creationFlags: COLLOCATED }, ALL);
    ok(await stage.sa.saCkptActiveReplicaSet(active));
    ok(await create(id('s'))(stage.sa, active, stage));
    return overwrite()(stage.sa, await stage.open(await stage.near(), null, WRITE), stage);
  }),
  row(
    'saCkptSectionOverwrite',
    'INVALID_PARAM',
    'the data are null',
    on('full', overwrite(id('s'), null)),
  ),
  row(
    'saCkptSectionOverwrite',
    'INVALID_PARAM',
    'the section id is null',
    on('full', overwrite(null)),
  ),
  row(
    'saCkptSectionOverwrite',
    'INVALID_PARAM',
    'the data are larger than maxSectionSize',
    on('full', overwrite(id('s'), new Uint8Array(101))),
  ),
  row('saCkptSectionOverwrite', 'NOT_EXIST', 'no such section', on('full', overwrite(id('n')))),
  row(
    'saCkptSectionOverwrite',
    'NOT_EXIST',
    'there is no active replica',
    on('inactive', overwrite()),
  ),
  row('saCkptSectionOverwrite', 'ACCESS', 'not open for writing', on('reader', overwrite())),
  row(
    'saCkptSectionOverwrite',
    'BAD_HANDLE',
    'the checkpoint is closed',
    on('closed', overwrite()),
  ),
];

const read =
  (vector: readonly SaCkptIOVectorElementT[] | null, failing?: number): OnCheckpoint =>
  async (sa, checkpoint) => {
    const answer = await sa.saCkptCheckpointRead(checkpoint, vector);
    assert.equal(answer.erroneousVectorIndex, failing);
    return answer;
  };

/** Reads one element of the section `s`, and what came must be this. */
const reads = (
  dataBuffer: Uint8Array | null,
  dataOffset: number,
  expected: readonly [size: number, buffer: string],
): Row['run'] =>
  on('full', async (sa, checkpoint) => {
    const item: SaCkptIOVectorElementT = { sectionId: id('s'), dataBuffer, dataOffset };
    const answer = await sa.saCkptCheckpointRead(checkpoint, [item]);
    assert.deepEqual([item.readSize, textOf(item.dataBuffer)], expected);
    return answer;
  });

const readRows: readonly Row[] = [
  row(
    'saCkptCheckpointRead',
    'OK',
    'into a buffer that is larger',
    reads(new Uint8Array(6), 0, [4, 'data\0\0']),
  ),
  row(
    'saCkptCheckpointRead',
    'OK',
    'into a buffer that is smaller',
    reads(new Uint8Array(2), 1, [2, 'at']),
  ),
  row(
    'saCkptCheckpointRead',
    'OK',
    'no buffer: all from the offset on',
    reads(null, 1, [3, 'ata']),
  ),
  row('saCkptCheckpointRead', 'OK', 'at the end: nothing', reads(null, 4, [0, ''])),
  row('saCkptCheckpointRead', 'OK', 'behind the end: nothing', reads(null, 100, [0, ''])),
  row('saCkptCheckpointRead', 'INVALID_PARAM', 'the vector is null', on('full', read(null))),
  row(
    'saCkptCheckpointRead',
    'INVALID_PARAM',
    'the offset is past maxSectionSize',
    on('full', read([element('s', 'x'), element('s', 'x', 101)], 1)),
  ),
  row(
    'saCkptCheckpointRead',
    'INVALID_PARAM',
    'the size is larger than maxSectionSize',
    on('full', read([element('s', 'x'.repeat(101))], 0)),
  ),
  row(
    'saCkptCheckpointRead',
    'INVALID_PARAM',
    'a section id is null',
    on('full', read([{ ...element('s', 'x'), sectionId: null }], 0)),
  ),
  row(
    'saCkptCheckpointRead',
    'NOT_EXIST',
    'no such section',
    on('full', read([element('n', 'x')], 0)),
  ),
  row(
    'saCkptCheckpointRead',
    'NOT_EXIST',
    'there is no active replica',
    on('inactive', read([element('s', 'x')])),
  ),
  row(
    'saCkptCheckpointRead',
    'ACCESS',
    'not open for reading',
    on('writer', read([element('s', 'x')])),
  ),
  row(
    'saCkptCheckpointRead',
    'BAD_HANDLE',
    'the checkpoint is closed',
    on('closed', read([element('s', 'x')])),
  ),
];

export const dataRows: readonly Row[] = [...writeRows, ...readRows];
