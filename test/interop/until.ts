/** Asks until there is nothing wrong. A bound on hanging, never a wait. */
export async function until(
  wrong: () => Promise<string | undefined> | string | undefined,
  context: () => string = () => '',
  timeoutMs = 60_000,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await wrong();
    if (answer === undefined) return;
    if (performance.now() > end) throw new Error(`still: ${answer}\n${context()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
