/** Files that open the tables in other programs. */

export interface ConnectionFile {
  name: string
  mediaType: string
  text: string
}

/** How long the token of a profile is valid. */
export const PROFILE_LIFE_S = 90 * 86_400
export const PROFILE_ACTIONS = ['read_tables', 'download']

const ODATA_PATH = '/odata/v4/'
const SHARING_PATH = '/sharing'

/** Opens the OData feed in Power BI Desktop. */
export function pbids(origin: string): ConnectionFile {
  const details = { protocol: 'odata', address: { url: origin + ODATA_PATH } }
  const text = JSON.stringify(
    { version: '0.1', connections: [{ details, mode: 'Import' }] },
    null,
    2,
  )
  return { name: 'plant-cockpit.pbids', mediaType: 'application/json', text }
}

/** The profile of a recipient of Delta Sharing. */
export function profile(origin: string, token: string, expiresAt: string): ConnectionFile {
  const text = JSON.stringify(
    {
      shareCredentialsVersion: 1,
      endpoint: origin + SHARING_PATH,
      bearerToken: token,
      expirationTime: expiresAt,
    },
    null,
    2,
  )
  return { name: 'plant-cockpit.share', mediaType: 'application/json', text }
}

/** Opens the OData feed in Excel as a query, with the list of the tables. */
export function odc(origin: string): ConnectionFile {
  const name = 'Plant Cockpit'
  // In M a quote within a text is doubled.
  const url = (origin + ODATA_PATH).replaceAll('"', '""')
  const formula = `let Source = OData.Feed("${url}", null, [Implementation="2.0"]) in Source`
  const mashup = [
    '<Mashup xmlns:xsd="http://www.w3.org/2001/XMLSchema"',
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
    ' xmlns="http://schemas.microsoft.com/DataMashup">',
    '<Client>EXCEL</Client><Version>2.72.0.0</Version><MinVersion>2.21.0.0</MinVersion>',
    '<Culture>en-US</Culture><SafeCombine>true</SafeCombine>',
    `<Items><Query Name="${name}"><Formula><![CDATA[${formula}]]></Formula>`,
    '<IsParameterQuery xsi:nil="true" /><IsDirectQuery xsi:nil="true" /></Query></Items></Mashup>',
  ].join('')
  const connection = `Provider=Microsoft.Mashup.OleDb.1;Data Source=$Workbook$;Location="${name}";Extended Properties=""`
  const text = [
    '<html xmlns:o="urn:schemas-microsoft-com:office:office" xmlns="http://www.w3.org/TR/REC-html40">',
    '<head>',
    '<meta http-equiv=Content-Type content="text/x-ms-odc; charset=utf-8">',
    '<meta name=ProgId content=ODC.Database>',
    '<meta name=SourceType content=OLEDB>',
    `<title>Query - ${name}</title>`,
    `<xml id=docprops><o:DocumentProperties xmlns:o="urn:schemas-microsoft-com:office:office" xmlns="http://www.w3.org/TR/REC-html40"><o:Name>Query - ${name}</o:Name></o:DocumentProperties></xml>`,
    '<xml id=msodc><odc:OfficeDataConnection xmlns:odc="urn:schemas-microsoft-com:office:odc" xmlns="http://www.w3.org/TR/REC-html40">',
    '<odc:PowerQueryConnection odc:Type="OLEDB">',
    `<odc:ConnectionString>${xml(connection)}</odc:ConnectionString>`,
    '<odc:CommandType>SQL</odc:CommandType>',
    `<odc:CommandText>SELECT * FROM [${name}]</odc:CommandText>`,
    '</odc:PowerQueryConnection>',
    `<odc:PowerQueryMashupData>${xml(mashup)}</odc:PowerQueryMashupData>`,
    '</odc:OfficeDataConnection></xml>',
    '</head>',
    '</html>',
    '',
  ].join('\n')
  return { name: 'plant-cockpit.odc', mediaType: 'text/x-ms-odc', text }
}

function xml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** Lets the browser save a file. */
export function save(file: ConnectionFile): void {
  const url = URL.createObjectURL(new Blob([file.text], { type: file.mediaType }))
  const link = document.createElement('a')
  link.href = url
  link.download = file.name
  link.click()
  URL.revokeObjectURL(url)
}
