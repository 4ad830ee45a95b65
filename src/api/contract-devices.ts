/** The routes of the vault's devices, for the contract. */
import * as z from 'zod'
import * as common from './schemas/common.ts'
import * as people from './schemas/people.ts'

const byCode = z.object({ id: z.string().regex(/^[0-9a-f]{16}$/, 'expected the id of a code') })

export const deviceContract = {
  devices: { role: 'viewer', summary: 'Devices of the vault', query: common.page, response: people.device },
  vaultRecord: {
    role: 'admin',
    summary: "The vault's sealed authority and signed terms",
    query: common.none,
    response: people.vaultRecord,
  },
  vaultRecordChange: {
    role: 'admin',
    summary: 'Take newer ones that the words made, and tell hosts',
    body: people.vaultRecordChange,
    response: people.vaultRecordChanged,
  },
  deviceCodeOpen: {
    role: 'admin',
    summary: 'Make a one-time code for a new device; one that was open ends',
    body: people.deviceCodeOpen,
    response: people.deviceCodeOpened,
  },
  deviceCode: {
    role: 'admin',
    summary: 'Who asks with this code to become a device',
    params: byCode,
    query: common.none,
    response: people.deviceCodeState,
  },
  deviceCodeAnswer: {
    role: 'admin',
    summary: 'Take a record that lists the device that asked, and let it have its keys',
    params: byCode,
    body: people.deviceCodeAnswer,
    response: people.deviceCodeAnswered,
  },
  deviceCodeClose: {
    role: 'admin',
    summary: 'Call a code off',
    params: byCode,
    query: common.none,
    response: common.done,
  },
  deviceSync: {
    role: 'operator',
    summary: 'Look now what the other devices did',
    body: common.none.nullable(),
    response: people.deviceSync,
  },
  deviceUnlock: {
    role: 'admin',
    summary: 'Backups go on after a second fork: the words were given',
    body: people.deviceUnlock,
    response: common.done,
  },
} as const
