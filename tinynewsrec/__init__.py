"""Small news recommenders, and the tools to look inside them.

files       data.mind                   MIND .tsv, through data.read
  -> tables     data.tables             News, Impressions
  -> batches    data.batches            token ids, and who saw which story
  -> vectors    model.news_encoder      one per story
  -> reader     model.user_encoder      one per reader
  -> scores     model.recommender       one per reader and candidate
  -> metrics    evaluation.metrics      AUC, MRR, nDCG

checkpoints on disk -> checkpoints -> views -> app.py
"""
