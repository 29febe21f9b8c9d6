namespace TorchSharpSoftmax.Kernels;

/// <summary>How elements that lie in memory as <typeparamref name="S"/> become lanes of <typeparamref name="T"/> and go back.</summary>
internal unsafe interface IStored<S, T>
    where S : unmanaged
    where T : unmanaged
{
    static abstract V Load<V>(S* p) where V : unmanaged, ILanes<V, T>;
    /// <summary>The first n elements; pad is 0 or -infinity, which are the same in every type and need no conversion that would call.</summary>
    static abstract V LoadPart<V>(S* p, nint n, T pad) where V : unmanaged, ILanes<V, T>;

    /// <summary>Two vectors at once, of which element in which lane only <see cref="PutPair{V, B}"/> knows: cheaper where elements are narrower than lanes.</summary>
    static abstract void LoadPair<V>(S* p, out V a, out V b) where V : unmanaged, ILanes<V, T>;

    /// <summary>What <see cref="LoadPair{V}"/> read goes back where it came from. No lane is NaN; streamed, p is aligned to sizeof(V).</summary>
    static abstract void PutPair<V, B>(V a, V b, S* p)
        where V : unmanaged, ILanes<V, T>
        where B : struct, IChoice;

    static abstract void Store<V>(V v, S* p) where V : unmanaged, ILanes<V, T>;
    static abstract void StorePart<V>(V v, S* p, nint n) where V : unmanaged, ILanes<V, T>;
    static abstract void Stream<V>(V v, S* p) where V : unmanaged, ILanes<V, T>;
}
