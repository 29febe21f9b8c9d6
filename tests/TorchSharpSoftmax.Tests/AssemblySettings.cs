// Tests count live tensors and graph nodes, which are process-wide.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
