import { describe, expect, test } from '@jest/globals';
import { transferStatus } from './transfers.ts';

const progress = {
  service: 'ckpt',
  bytesTotal: 1000,
  bytesDone: 250,
  piecesTotal: 8,
  piecesDone: 2,
  since: 5_000_000_000n,
  waiting: false,
};

describe('the progress of a transfer', () => {
  test('has a rate and the time that remains at it', () => {
    expect(transferStatus(progress, 5_500)).toEqual({
      service: 'ckpt',
      bytesTotal: 1000,
      bytesDone: 250,
      piecesTotal: 8,
      piecesDone: 2,
      elapsedMs: 500,
      bytesPerSecond: 500,
      remainingMs: 1500,
      waiting: false,
    });
  });

  test('says that it does not know before anything came, and while it waits for a member', () => {
    expect(transferStatus({ ...progress, bytesDone: 0 }, 5_500).remainingMs).toBeNull();
    expect(transferStatus({ ...progress, waiting: true }, 5_500).remainingMs).toBeNull();
    expect(transferStatus(progress, 4_000)).toMatchObject({ elapsedMs: 0, bytesPerSecond: 0 });
  });
});
