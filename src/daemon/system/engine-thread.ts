/** What runs in a worker thread: the engine's jobs on the real disk and the real dice. Started by `threads.ts`. */
import { parentPort, workerData } from 'node:worker_threads'
import { createKernel, type KernelSetup } from '../../backup/kernel/index.ts'
import { toPlexiError } from '../../base/errors.ts'
import { systemBlockingDisk } from './blocking-disk.ts'
import { systemRandom } from './random.ts'
import type { ThreadReply, ThreadRequest } from './threads.ts'

const kernel = createKernel(workerData as KernelSetup, { disk: systemBlockingDisk, random: systemRandom })

parentPort?.on('message', ({ no, job }: ThreadRequest) => {
  try {
    const { result, transfer = [] } = kernel.run(job)
    parentPort?.postMessage({ no, result } satisfies ThreadReply, [...transfer])
  } catch (thrown) {
    const { code, details, message } = toPlexiError(thrown)
    parentPort?.postMessage({ no, error: { code, details, message } } satisfies ThreadReply)
  }
})
