import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bytesJson, bytesLine, jsonLine, oneLine, paint, table } from './output.ts';

describe('what goes to standard output', () => {
  test('a JSON document is one line and has its version', () => {
    expect(jsonLine({ a: 'x\ny' })).toBe('{"schemaVersion":1,"a":"x\\ny"}\n');
  });

  test('columns are as wide as their longest cell, and lines have no trailing blanks', () => {
    expect(
      table(
        ['A', 'LONG', ''],
        [
          ['wide cell', 1, ''],
          ['x', 22, 'note'],
        ],
      ),
    ).toBe('A          LONG\nwide cell  1\nx          22    note\n');
  });

  test('names and data cannot start a line, move the cursor or turn the direction of writing', () => {
    expect(oneLine('a\nb\t\u001b[31m\\ \u202e\u0085 é 日本')).toBe(
      'a\\nb\\t\\x1b[31m\\\\ \\u202e\\x85 é 日本',
    );
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(bytesLine(bytes)).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      }),
    );
  });

  test('bytes are text where they are UTF-8, and base64 where they are not', () => {
    expect(bytesJson(Buffer.from('{"é":1}'))).toEqual({ text: '{"é":1}' });
    expect(bytesJson(Uint8Array.of(0xff, 0x41))).toEqual({ base64: '/0E=' });
    expect(bytesLine(Uint8Array.of(0xff, 0x41, 0x0a))).toBe('\\xffA\\n');
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const json = bytesJson(bytes);
        const back = 'text' in json ? Buffer.from(json.text) : Buffer.from(json.base64, 'base64');
        expect(back.equals(bytes)).toBe(true);
      }),
    );
  });

  test('colour is for terminals, and NO_COLOR and dumb terminals are respected', () => {
    expect(paint('x', 'red', {}, true)).toBe('\u001b[31mx\u001b[39m');
    expect(paint('x', 'red', {}, false)).toBe('x');
    expect(paint('x', 'red', { NO_COLOR: '1' }, true)).toBe('x');
    expect(paint('x', 'red', { TERM: 'dumb' }, true)).toBe('x');
  });
});
