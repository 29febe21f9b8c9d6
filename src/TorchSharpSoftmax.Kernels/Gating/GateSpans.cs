namespace TorchSharpSoftmax.Kernels;

public static unsafe partial class GateKernels
{
    private const nint MostExperts = 1 << 24;

    /// <summary>The k best experts of each token, largest first, with their weights; how often each is kept, each row's log-sum-exp, and each expert's mean probability.</summary>
    /// <remarks>
    /// <para>Softmax modes choose by the logits, Sigmoid by <c>sigmoid(x) + bias</c> among the kept groups. Of equals the lowest expert comes first; NaN counts as
    /// -infinity in the choice, so that indices are k different experts whatever the logits are.</para>
    /// <para>A row with a NaN has NaN weights and log-sum-exp; so has, in the softmax modes, a row with +infinity or nothing but -infinity, whose log-sum-exp is infinite as it is.
    /// Such a row makes the mean probabilities NaN. Kept logits of -infinity weigh 0. The mean of no token is NaN.</para>
    /// <para>Mean probabilities are those of softmax over all experts, or in Sigmoid mode each score's share of the row's scores. Error: weights 8 ulp and the rounding of x - max.</para>
    /// <para>Papers: "Statistical Perspective of Top-K Sparse Softmax Gating Mixture of Experts", "Switch Transformers", "DeepSeek-V3 Technical Report".</para>
    /// </remarks>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <typeparam name="TComputing">double for double, else float.</typeparam>
    /// <param name="logits">[tokens, experts].</param>
    /// <param name="bias">[experts], for Sigmoid; or empty.</param>
    /// <param name="weights">[tokens, kept].</param>
    /// <param name="indices">[tokens, kept].</param>
    /// <param name="counts">[experts].</param>
    /// <param name="lse">[tokens], or empty.</param>
    /// <param name="mean">[experts], or empty.</param>
    /// <param name="state">[3, tokens], what a backward pass needs that every logit takes part in; or empty.</param>
    /// <param name="shape">The extents.</param>
    /// <param name="rule">The mode and its numbers.</param>
    /// <param name="threads">At most so many threads, the caller's included.</param>
    /// <exception cref="ArgumentException">A span does not fit, an output overlaps the logits or the bias, a bias or groups are given beside a softmax, or a type is another one.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is outside its range.</exception>
    public static void TopK<T, TComputing>(
        ReadOnlySpan<T> logits, ReadOnlySpan<TComputing> bias, Span<TComputing> weights, Span<long> indices, Span<long> counts, Span<TComputing> lse,
        Span<TComputing> mean, Span<TComputing> state, GateShape shape, GateRule rule, int threads = 1)
        where T : unmanaged
        where TComputing : unmanaged
    {
        CheckRule<T, TComputing>(logits, shape, rule, threads);
        CheckBias(bias, shape, rule);
        SpanCheck.Size<TComputing>(weights, shape.Tokens * shape.Kept, nameof(weights));
        SpanCheck.Size<long>(indices, shape.Tokens * shape.Kept, nameof(indices));
        SpanCheck.Size<long>(counts, shape.Experts, nameof(counts));
        Optional<TComputing>(lse, shape.Tokens, nameof(lse));
        Optional<TComputing>(mean, shape.Experts, nameof(mean));
        Optional<TComputing>(state, GateState<float>.Fields * shape.Tokens, nameof(state));
        SpanCheck.Separate<T, TComputing>(logits, weights, nameof(weights));
        SpanCheck.Separate<T, long>(logits, indices, nameof(indices));
        SpanCheck.Separate<T, TComputing>(logits, lse, nameof(lse));
        SpanCheck.Separate<T, TComputing>(logits, state, nameof(state));
        SpanCheck.Separate<TComputing, TComputing>(bias, weights, nameof(weights));
        SpanCheck.Separate<TComputing, long>(bias, indices, nameof(indices));
        SpanCheck.Separate<TComputing, TComputing>(bias, lse, nameof(lse));
        SpanCheck.Separate<TComputing, TComputing>(bias, state, nameof(state));
        fixed (T* px = logits)
        fixed (TComputing* pb = bias, pw = weights, pl = lse, pm = mean, ps = state)
        fixed (long* pi = indices, pc = counts)
        {
            TopK<T>(
                new() { Shape = shape, Rule = rule, Logits = px, Bias = pb, Weights = pw, Indices = pi, Counts = pc, Lse = pl, Mean = pm, State = ps }, threads);
        }
    }

    /// <summary>The logits' gradient, from the gradients of weights, log-sum-exp and mean probability. Where weights alone count, kept logits alone are read and have one.</summary>
    /// <remarks>
    /// Softmax over kept logits: <c>dx_j = w_j (dw_j - sum(w dw))</c> for kept j. Softmax: <c>dx = p (d - sum(p d))</c> with d = dw at kept places. Sigmoid: <c>dx_j =
    /// s_j (1 - s_j) (scale dw_j - sum(w dw)) / sum(s)</c>. The bias has no gradient. Forward's own logits, weights, indices and state are required.
    /// </remarks>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <typeparam name="TComputing">double for double, else float.</typeparam>
    /// <param name="logits">[tokens, experts].</param>
    /// <param name="weights">[tokens, kept].</param>
    /// <param name="indices">[tokens, kept].</param>
    /// <param name="state">[3, tokens], where the mode is Softmax or one of the last two gradients is given; else it may be empty.</param>
    /// <param name="dweights">[tokens, kept].</param>
    /// <param name="dlse">[tokens], or empty for zeros.</param>
    /// <param name="dmean">[experts], or empty for zeros.</param>
    /// <param name="dlogits">[tokens, experts].</param>
    /// <param name="shape">The extents.</param>
    /// <param name="rule">The mode and its numbers.</param>
    /// <param name="threads">At most so many threads, the caller's included.</param>
    /// <exception cref="ArgumentException">A span does not fit, the gradient overlaps an input, or a type is another one.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is outside its range, or an index is none of the experts.</exception>
    public static void TopKBackward<T, TComputing>(
        ReadOnlySpan<T> logits, ReadOnlySpan<TComputing> weights, ReadOnlySpan<long> indices, ReadOnlySpan<TComputing> state, ReadOnlySpan<TComputing> dweights,
        ReadOnlySpan<TComputing> dlse, ReadOnlySpan<TComputing> dmean, Span<T> dlogits, GateShape shape, GateRule rule, int threads = 1)
        where T : unmanaged
        where TComputing : unmanaged
    {
        CheckRule<T, TComputing>(logits, shape, rule, threads);
        SpanCheck.Size(weights, shape.Tokens * shape.Kept, nameof(weights));
        SpanCheck.Size(indices, shape.Tokens * shape.Kept, nameof(indices));
        SpanCheck.Size(dweights, shape.Tokens * shape.Kept, nameof(dweights));
        Optional(dlse, shape.Tokens, nameof(dlse));
        Optional(dmean, shape.Experts, nameof(dmean));
        bool needsState = rule.Mode == TopKGateMode.Softmax || !dlse.IsEmpty || !dmean.IsEmpty;
        if (needsState) SpanCheck.Size(state, GateState<float>.Fields * shape.Tokens, nameof(state));
        else Optional(state, GateState<float>.Fields * shape.Tokens, nameof(state));
        SpanCheck.Size<T>(dlogits, shape.Tokens * shape.Experts, nameof(dlogits));
        SpanCheck.Separate<T, T>(logits, dlogits, nameof(dlogits));
        SpanCheck.Separate<TComputing, T>(weights, dlogits, nameof(dlogits));
        SpanCheck.Separate<TComputing, T>(dweights, dlogits, nameof(dlogits));
        SpanCheck.Separate<TComputing, T>(dlse, dlogits, nameof(dlogits));
        SpanCheck.Separate<TComputing, T>(dmean, dlogits, nameof(dlogits));
        SpanCheck.Separate<long, T>(indices, dlogits, nameof(dlogits));
        SpanCheck.Separate<TComputing, T>(state, dlogits, nameof(dlogits));
        foreach (long index in indices)
        {
            if (index < 0 || index >= shape.Experts)
                throw new ArgumentOutOfRangeException(nameof(indices), $"'{nameof(indices)}' has {index}; 0 to {shape.Experts - 1} is required.");
        }
        fixed (T* px = logits, pdx = dlogits)
        fixed (TComputing* pw = weights, ps = state, pdw = dweights, pdl = dlse, pdm = dmean)
        fixed (long* pi = indices)
        {
            TopKBackward<T>(
                new()
                {
                    Shape = shape,
                    Rule = rule,
                    Logits = px,
                    Weights = pw,
                    Indices = pi,
                    State = ps,
                    WeightsGradient = pdw,
                    LseGradient = pdl,
                    MeanGradient = pdm,
                    LogitsGradient = pdx,
                },
                threads);
        }
    }

    private static void CheckRule<T, TComputing>(ReadOnlySpan<T> logits, GateShape shape, GateRule rule, int threads) where T : unmanaged
    {
        SpanCheck.Type<T>();
        SpanCheck.Computes<T, TComputing>(nameof(TComputing));
        if (shape.Tokens < 0) throw Outside("shape.Tokens", shape.Tokens, "0 or more");
        if (shape.Experts is < 1 or > MostExperts) throw Outside("shape.Experts", shape.Experts, $"1 to {MostExperts}");
        if (shape.Kept < 1 || shape.Kept > shape.Experts) throw Outside("shape.Kept", shape.Kept, $"1 to {shape.Experts}, the number of experts,");
        if (rule.Mode is < TopKGateMode.KeptSoftmax or > TopKGateMode.Sigmoid) throw Outside("rule.Mode", rule.Mode, "KeptSoftmax, Softmax, SoftmaxRenormalized or Sigmoid");
        if (rule.Groups < 1 || shape.Experts % rule.Groups != 0) throw Outside("rule.Groups", rule.Groups, $"a divisor of {shape.Experts}, the number of experts,");
        if (rule.KeptGroups < 1 || rule.KeptGroups > rule.Groups) throw Outside("rule.KeptGroups", rule.KeptGroups, $"1 to {rule.Groups}, the number of groups,");
        nint reachable = shape.Experts / rule.Groups * rule.KeptGroups;
        if (shape.Kept > reachable) throw Outside("shape.Kept", shape.Kept, $"1 to {reachable}, the experts of the kept groups,");
        if (!double.IsFinite(rule.Scale)) throw Outside("rule.Scale", rule.Scale, "a finite number");
        if (rule.Mode != TopKGateMode.Sigmoid && (rule.Groups != 1 || rule.Scale != 1))
            throw new ArgumentException($"'{nameof(rule)}' has groups or a scale beside {rule.Mode}; Sigmoid, or none of them, is required.", nameof(rule));
        SpanCheck.Size(logits, SpanCheck.Rows(shape.Tokens, shape.Experts), nameof(logits));
        SpanCheck.Threads(threads);
    }

    private static void CheckBias<TComputing>(ReadOnlySpan<TComputing> bias, GateShape shape, GateRule rule)
    {
        Optional(bias, shape.Experts, nameof(bias));
        if (!bias.IsEmpty && rule.Mode != TopKGateMode.Sigmoid)
            throw new ArgumentException($"'{nameof(bias)}' is given beside {rule.Mode}; Sigmoid, or no bias, is required.", nameof(bias));
    }

    private static void Optional<S>(ReadOnlySpan<S> span, nint required, string name)
    {
        if (!span.IsEmpty) SpanCheck.Size(span, required, name);
    }

    private static ArgumentOutOfRangeException Outside(string name, object value, string required) => new(name, $"'{name}' is {value}; {required} is required.");
}
