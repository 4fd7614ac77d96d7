-- The way back: the text that was read from the files stays in the documents.
DROP TABLE document_files;
