using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>Eight threads with graphs of their own over every operator: values and gradients are those of one thread, bit by bit.</summary>
[BestWidthOnly]
public sealed class EveryOperatorThreadsTests
{
    private const int Threads = 8;

    // the stand-in's strict mode collects inside every step
    private static readonly int s_rounds = Environment.GetEnvironmentVariable("TORCHSHARP_STANDIN_STRICT") == "1" ? 1 : 8;

    /// <summary>Each makes outputs from two leaves [6, 7, 20] and [5, 20]; nothing is drawn from the generator that threads share.</summary>
    private static readonly (string Name, Func<Tensor, Tensor, Tensor[]> Of)[] s_graphs =
    [
        .. SoftmaxOperator.All.Select<SoftmaxOperator, (string, Func<Tensor, Tensor, Tensor[]>)>(op => (op.Name, (x, w) => [op.Actual(x, 2, SoftmaxAlgorithm.Auto), op.Actual(x, 0, SoftmaxAlgorithm.Auto)])),
        ("in place", (x, w) => [F.two_pass_softmax_(x.detach().clone()), F.log_stablemax(x.detach(), 1, @out: empty_like(x))]),
        ("stablemax_cross_entropy", (x, w) => [F.stablemax_cross_entropy(x.reshape(-1, 20), Classes(42, 20), label_smoothing: 0.1)]),
        ("collapse_free_cross_entropy", (x, w) => [F.collapse_free_cross_entropy(x, Classes(120, 7).reshape(6, 20))]),
        ("linear_cross_entropy", (x, w) => [F.linear_cross_entropy(x, w, Classes(42, 5).reshape(6, 7))]),
        ("linear_cross_entropy, recomputed", (x, w) => [F.linear_cross_entropy(x, w, Classes(42, 5).reshape(6, 7), options: new() { mode = LinearCrossEntropyMode.Recompute, softcap = 3 })]),
        ("linear_cross_entropy_outputs", (x, w) =>
        {
            var found = F.linear_cross_entropy_outputs(x, w, Classes(42, 5).reshape(6, 7), LinearCrossEntropyResults.LogSumExp | LinearCrossEntropyResults.Entropy);
            return [found.loss, found.lse!, found.entropy!];
        }),
        ("perp_grad", (x, w) => [F.perp_grad(w) * w.detach(), F.perp_projection(x, x.detach().flip(0), PerpGradGranularity.Row)]),
        .. Enum.GetValues<TopKGateMode>().Select<TopKGateMode, (string, Func<Tensor, Tensor, Tensor[]>)>(mode => ($"topk_gate, {mode}", (x, w) => Outputs(F.topk_gate(x, 3, mode)))),
        ("dense_to_sparse_gate", (x, w) => Outputs(F.dense_to_sparse_gate(x, 0.7, 0.05))),
        ("activation_dense_to_sparse_gate", (x, w) => Outputs(F.activation_dense_to_sparse_gate(x, DenseToSparseActivation.GELU, threshold: 0.05))),
        ("noisy_top_k_gate", (x, w) => Outputs(F.noisy_top_k_gate(x, null, 3))),
        ("expert_choice_gate", (x, w) => Outputs(F.expert_choice_gate(x, 5))),
        ("expert_permutation", (x, w) =>
        {
            using var permutation = F.expert_permutation(Classes(84, 5).reshape(6, 7, 2), 5, 20);
            return [permutation.unpermute(permutation.permute(x).neg(), x.narrow(2, 0, 2))];
        }),
        ("routing losses", (x, w) =>
        {
            var indices = Classes(84, 20).reshape(6, 7, 2);
            var p = F.two_pass_softmax(x);
            return [F.load_balance_loss(p, indices), F.importance_loss(p), F.load_loss(x, x.neg(), p, 2), F.router_z_loss(x), F.router_z_loss_from_lse(p), F.load_balance_loss_from_counts(p.detach(), p)];
        }),
    ];

    public static TheoryData<ScalarType> Dtypes => [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16];

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void Eight_threads_get_the_bits_of_one(ScalarType dtype)
    {
        byte[][][] expected = [.. Enumerable.Range(0, Threads).Select(thread => s_graphs.Select(graph => Bits(graph.Of, thread, dtype)).ToArray())];
        var failures = new System.Collections.Concurrent.ConcurrentQueue<string>();
        var threads = Enumerable.Range(0, Threads).Select(thread => new Thread(() =>
        {
            try
            {
                for (int i = 0; i < s_rounds * s_graphs.Length; i++)
                {
                    int at = (i + (3 * thread)) % s_graphs.Length; // different operators at one time
                    if (!Bits(s_graphs[at].Of, thread, dtype).AsSpan().SequenceEqual(expected[thread][at]))
                    {
                        failures.Enqueue($"{s_graphs[at].Name} of {dtype} on thread {thread}, round {i / s_graphs.Length}: other bits.");
                    }
                }
            }
            catch (Exception failure)
            {
                failures.Enqueue(failure.ToString());
            }
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Empty(failures);
    }

    /// <summary>All outputs and both gradients of a graph made of a thread's own data.</summary>
    private static byte[] Bits(Func<Tensor, Tensor, Tensor[]> of, int thread, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var random = new Random(thread);
        var x = OperatorContract.Logits(random, [6, 7, 20], dtype, 2).requires_grad_();
        var w = OperatorContract.Logits(random, [5, 20], dtype, 0.3).requires_grad_();
        var outputs = of(x, w);
        foreach (var y in outputs.Where(y => y.requires_grad))
        {
            autograd.backward(y, SoftmaxOperator.Upstream(y, random), retain_graph: true);
        }

        return [.. outputs.Append(x.grad).Append(w.grad).Where(y => y is not null).SelectMany(y => y!.detach().contiguous().bytes.ToArray())];
    }

    private static Tensor Classes(int count, int classes) => tensor([.. Enumerable.Range(0, count).Select(i => (long)(i * 7 % classes))], [count]);

    private static Tensor[] Outputs(RoutingOutputs found) => [found.weights, found.indices, found.lse, found.counts, found.mean_probability];
}
