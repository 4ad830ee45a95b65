/** mysqldump and mariadb-dump. Source: dev.mysql.com/doc, mysqldump */
import type { ExportForm } from './export-reader.ts'
import { footerReader } from './footer.ts'

export const mysql: ExportForm = {
  app: 'mysql',
  open: ({ text }) =>
    /^(\/\*M?!.*\*\/;?\s*\n)?-- (MySQL|MariaDB) dump /.test(text) ? footerReader('-- Dump completed') : undefined,
}
