/** The routes of the vault's devices, for the contract. */
import * as common from './schemas/common.ts'
import * as people from './schemas/people.ts'

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
