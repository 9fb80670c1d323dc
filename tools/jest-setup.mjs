// Fails loudly when Jest was started without the ESM flag: swc would then have produced CommonJS and
// most tests would pass while testing something else.
if (typeof require !== 'undefined') {
  throw new Error('Jest runs in CommonJS mode: start it with `npm run unit` or `npm test`.');
}
