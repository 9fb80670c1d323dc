import { SEMAPHORE_SLOTS_MAX as OF_THE_SERVICE } from '@aisexec/lck';
import { expect, test } from '@jest/globals';
import { SEMAPHORE_SLOTS_MAX } from './limits.ts';

test('--max takes as many places as a semaphore has', () => {
  expect(SEMAPHORE_SLOTS_MAX).toBe(OF_THE_SERVICE);
});
