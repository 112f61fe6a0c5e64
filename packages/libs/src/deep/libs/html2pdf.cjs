'use strict'

const { htmlToPDF, createCozyPDFDocument } = require('../../html-to-pdf.ts')

module.exports = { htmlToPDF, createCozyPDFDocument }
