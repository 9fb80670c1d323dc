import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { FLIGHT_BYTES, FLIGHT_FILES_MAX, FLIGHT_LINE_BYTES_MAX } from '../limits.ts';
import { logEvent } from './events.ts';
import { writeFlightFile } from './flight-file.ts';
import { createFlightRecorder, recordedLines } from './recorder.ts';

const numbered = (n: number) => logEvent('view', { n });
const numbersOf = (text: string): readonly number[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { n: number }).n);

describe('the flight recorder', () => {
  test.each([700, 1_000, 1_001, 1_024, 4_096])(
    'with room for %d bytes has the newest events, whole and in order, after every event',
    (bytes) => {
      const recorder = createFlightRecorder(bytes);
      for (let n = 1; n <= 300; n++) {
        // Lines of many lengths, so that every way of wrapping occurs.
        recorder.record(logEvent('view', { n, pad: 'x'.repeat((n * 7) % 120) }), n);
        const kept = numbersOf(recordedLines(recorder.memory));
        expect(kept.at(-1)).toBe(n);
        expect(kept).toEqual(kept.map((_, index) => kept[0]! + index));
        // Two lines at most are lost at the seam, and one lap's last, unused bytes.
        if (n * 250 < bytes) expect(kept[0]).toBe(1);
      }
      expect(numbersOf(recordedLines(recorder.memory)).length).toBeGreaterThan(1);
    },
  );

  test('is empty before the first event', () => {
    expect(recordedLines(createFlightRecorder(1_000).memory)).toBe('');
  });

  test('keeps its size however much it is told, and cuts an event that is too long', () => {
    const recorder = createFlightRecorder();
    const size = recorder.memory.byteLength;
    expect(size).toBeLessThan(FLIGHT_BYTES + 64);
    recorder.record(logEvent('x', { text: 'ü'.repeat(FLIGHT_LINE_BYTES_MAX) }), 0);
    expect(JSON.parse(recordedLines(recorder.memory))).toMatchObject({
      event: 'x',
      cut: expect.any(Number),
    });
    for (let n = 0; n < 30_000; n++) recorder.record(numbered(n), n);
    expect(recorder.memory.byteLength).toBe(size);
    expect(numbersOf(recordedLines(recorder.memory)).length).toBeGreaterThan(5_000);
  });

  test('never has the bytes of anybody', () => {
    const secret = Buffer.from('the secret of a key');
    const recorder = createFlightRecorder();
    recorder.record(logEvent('x', { secret, deep: { secret: new Uint8Array(secret) } }), 0);
    const text = recordedLines(recorder.memory);
    expect(text).toContain('"secret":"19 bytes"');
    for (const form of ['utf8', 'hex', 'base64'] as const) {
      expect(text).not.toContain(secret.toString(form));
    }
    expect(text).not.toContain([...secret].join(','));
  });
});

describe('a flight record', () => {
  test('is its owner’s alone, says why, and only the newest few are kept', () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'ais-flight-'));
    try {
      const { memory, record } = createFlightRecorder();
      record(numbered(1), 5);
      const write = (time: number) =>
        writeFlightFile({ ...{ memory, stateDir, node: 1, time }, head: { reason: 'why' } });
      const path = write(0);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
      expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
        { event: 'flight-record', node: 1, reason: 'why' },
        { event: 'view', n: 1 },
      ]);
      // Node 10 is another one.
      writeFlightFile({ ...{ memory, stateDir, node: 10, time: 0 }, head: {} });
      for (let time = 1; time < 2 * FLIGHT_FILES_MAX; time++) write(time);
      const names = readdirSync(join(stateDir, 'flight'));
      expect(names.filter((name) => name.startsWith('1-'))).toHaveLength(FLIGHT_FILES_MAX);
      expect(names.filter((name) => name.startsWith('10-'))).toHaveLength(1);
      expect(names).not.toContain(path.slice(path.lastIndexOf('/') + 1));
    } finally {
      rmSync(stateDir, { recursive: true });
    }
  });
});
