/** Readers of exports that are one JSON text. */
import { CUT_OFF, type ExportReader } from './export-reader.ts'
import { JsonScan, type JsonPath } from './json-scan.ts'

/** Counts what lies at the paths. `claimed`: a top-level number that should be the count. */
export function jsonReader(paths: readonly JsonPath[], claimed?: string): ExportReader {
  const scan = new JsonScan(paths, claimed === undefined ? [] : [claimed])
  return {
    take: (bytes) => scan.take(bytes),
    end() {
      const messages = scan.counts.reduce((sum, count) => sum + count, 0)
      const said = claimed === undefined ? undefined : scan.numbers.get(claimed)
      const warnings: string[] = []
      if (!scan.complete) warnings.push(CUT_OFF)
      else if (said !== undefined && said !== messages)
        warnings.push(`it says ${String(said)} messages and holds ${String(messages)}`)
      return { messages, warnings }
    },
  }
}
