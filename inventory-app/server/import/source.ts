/** The UCI "Online Retail" file (D. Chen, 2015; CC BY 4.0), line by line. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { DatabaseError } from '../db/url.ts';

/** A line of the file, its values still text. */
export interface SourceLine {
  invoice: string;
  code: string;
  description: string;
  quantity: string;
  /** `YYYY-MM-DD hh:mm:ss` in London. */
  date: string;
  /** Pounds. */
  price: string;
  customer: string;
  country: string;
}

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';

/**
 * Reads a `.csv` or `.csv.gz`; `onRead` hears which part of the file's bytes is read, from 0 to 1. Throws
 * `DatabaseError` where the file is another one, the system's error where it cannot be read.
 */
export async function* readOnlineRetail(path: string, onRead: (part: number) => void): AsyncGenerator<SourceLine> {
  const { size } = await stat(path);
  const file = createReadStream(path);
  let read = 0;
  file.on('data', (chunk) => {
    read += chunk.length;
    onRead(read / size);
  });
  const parser = parse({ bom: true, relax_column_count: true });
  const stages = path.endsWith('.gz') ? [file, createGunzip(), parser] : [file, parser];
  // Errors of any stage reach the loop through the parser; leaving the loop closes the file.
  pipeline(stages, () => undefined);
  let first = true;
  for await (const fields of parser as AsyncIterable<string[]>) {
    if (!first) yield lineOf(fields);
    else if (fields.join(',') !== HEADER) throw otherFile(path);
    first = false;
  }
  if (first) throw otherFile(path);
}

const otherFile = (path: string) => new DatabaseError(`This is not the Online Retail file: ${path}`);

function lineOf(fields: string[]): SourceLine {
  const [invoice = '', code = '', description = '', quantity = '', date = '', price = '', customer = '', country = ''] =
    fields.map((field) => field.trim());
  return { invoice, code, description, quantity, date, price, customer, country };
}
