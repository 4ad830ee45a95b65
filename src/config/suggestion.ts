/** The nearest known name to a misspelt one. */

/** The candidate with the fewest edits (insert, delete, change, swap neighbours); the first of equals. Undefined without candidates. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  let best: { candidate: string; edits: number } | undefined
  for (const candidate of candidates) {
    const edits = editDistance(name, candidate)
    if (best === undefined || edits < best.edits) best = { candidate, edits }
  }
  return best?.candidate
}

/** Optimal string alignment distance. Names are short; longer ones are cut at 100 characters. */
export function editDistance(from: string, to: string): number {
  const a = from.slice(0, 100)
  const b = to.slice(0, 100)
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let edits = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, change)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, (before[j - 2] ?? 0) + 1)
      }
      next.push(edits)
    }
    before = row
    row = next
  }
  return row[b.length] ?? a.length
}
