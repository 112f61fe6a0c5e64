import type * as source from '../../html-to-pdf.ts' with { 'resolution-mode': 'import' }

export declare const createCozyPDFDocument: typeof source.createCozyPDFDocument
export declare const htmlToPDF: typeof source.htmlToPDF
