/** Every scenario file plays without a fault and as it was written down; the language says what is wrong with a line. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createRing } from '@aisexec/totem';
import { describe, expect, test } from '@jest/globals';
import { parseScenario } from './parse.ts';
import { play } from './play.ts';

const DIRECTORY = fileURLToPath(new URL('../../scenarios/', import.meta.url));
const FILES = readdirSync(DIRECTORY).filter((file) => file.endsWith('.scenario.txt'));
const read = (file: string): string => readFileSync(DIRECTORY + file, 'utf8');

describe('the scenario', () => {
  // After a wanted change: npm run sim -- --scenario packages/simulator/scenarios --update, and read the difference.
  test.each(FILES)('%s', (file) => {
    const { text, problems } = play(parseScenario(read(file)));
    expect(problems).toEqual([]);
    expect(text).toBe(read(file.replace('.scenario.', '.trace.')));
  });

  test('files and golden traces belong together', () => {
    const traces = readdirSync(DIRECTORY).filter((file) => file.endsWith('.trace.txt'));
    expect(traces).toEqual(FILES.map((file) => file.replace('.scenario.', '.trace.')));
    expect(FILES.length).toBeGreaterThanOrEqual(20);
  });

  test('an expectation that does not come names its line and where everybody is', () => {
    const script = parseScenario('nodes 2\nstart 1\nexpect ring 1 2 within 500\n');
    expect(play(script).problems).toEqual([
      'line 3: expect ring 1 2 within 500: did not come; 1 operational 1.5, 1 delivered; 2 down',
    ]);
  });

  test('a ring that breaks a promise is told', () => {
    const script = parseScenario('nodes 1\nstart 1\nexpect ring 1 within 500\nsend 1 1\nrun 200\n');
    const { problems } = play(script, (config, effects, client) =>
      createRing(config, effects, {
        deliver(...delivery) {
          client.deliver(...delivery);
          client.deliver(...delivery);
        },
        configuration: (configuration) => client.configuration(configuration),
        tokenArrived: () => client.tokenArrived(),
      }),
    );
    expect(problems.some((text) => text.startsWith('E1 at'))).toBe(true);
  });
});

describe('a line that does not fit is refused with its number:', () => {
  test.each([
    ['nodes 3\nstrat 1', 'line 2: no step is called "strat"; there are start, crash'],
    ['nodes 33\nstart 1', 'line 1: expected "nodes NUMBER", 1 to 32'],
    ['nodes 3\nnodes 4\nstart 1', 'line 2: nodes is set twice'],
    ['# nothing\n\nstart', 'line 3: expected "start NODE…"'],
    ['nodes 2\nstart 1-3', 'line 2: no such node or range; nodes are 1 to 2'],
    ['start 3-1', 'line 1: no such node or range'],
    ['start 1-999999999', 'line 1: no such node or range'],
    ['start 1\nlose tokens', 'line 2: expected "lose [COUNT] PACKET [from NODE] [to NODE]"'],
    ['start 1\nexpect peace', 'line 2: expected "expect ring NODE…'],
    ['start 1\nseed 4', 'line 2: no step is called "seed"'],
    ['nodes 3', 'no step'],
  ])('%j', (text, message) => {
    expect(() => parseScenario(text)).toThrow(message);
  });
});
